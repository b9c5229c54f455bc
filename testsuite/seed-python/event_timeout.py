# Waits with a time limit that runs out.
# CLEAN
import queue
import threading

event = threading.Event()
lock = threading.Lock()
print(event.wait(0.05), lock.acquire(timeout=0.05), lock.acquire(timeout=0.05))
try:
    queue.Queue().get(timeout=0.05)
except queue.Empty:
    print('empty')
try:
    queue.SimpleQueue().get(timeout=0.05)
except queue.Empty:
    print('empty')
lock.release()
