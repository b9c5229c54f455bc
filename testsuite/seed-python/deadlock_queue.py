# Chapter: producers and consumers. The consumer waits for an item and holds the lock that the producer needs to make one.
# HANGS
# EXPECT(stall|deadlock)
import queue
import signal
import threading

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's own handler could wake main, so that it waits for a reason
q, lock, holding = queue.Queue(), threading.Lock(), threading.Event()


def consume():
    with lock:
        holding.set()
        q.get()  # EXPECT(stall|deadlock): waits for an item


def produce():
    holding.wait()
    with lock:  # EXPECT(stall|deadlock): waits for lock
        q.put(1)


threads = [threading.Thread(target=consume), threading.Thread(target=produce)]
for t in threads:
    t.start()
for t in threads:
    t.join()
