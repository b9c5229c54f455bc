# Signals that arrive while main waits for a lock and a thread works.
# CLEAN
import os
import signal
import threading
import time

caught = []
lock = threading.Lock()
signal.signal(signal.SIGUSR1, lambda *_: caught.append(1))


def sender():
    with lock:
        for _ in range(5):
            os.kill(os.getpid(), signal.SIGUSR1)
            time.sleep(0.02)


t = threading.Thread(target=sender)
t.start()
time.sleep(0.01)
with lock:
    pass
t.join()
print(bool(caught))
