# queue.SimpleQueue and PriorityQueue between threads.
# CLEAN
import queue
import threading

fast = queue.SimpleQueue()
ordered = queue.PriorityQueue()


def feed():
    for i in range(500):
        fast.put(i)
    fast.put(None)


def sort():
    while (item := fast.get()) is not None:
        ordered.put(-item)


threads = [threading.Thread(target=feed), threading.Thread(target=sort)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print([ordered.get() for _ in range(3)], ordered.qsize())
