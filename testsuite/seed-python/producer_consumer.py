# Chapter: producers and consumers. queue.Queue between them: decoupled, concurrent, and either side may be the faster one for a while.
# CLEAN
import queue
import threading
import time

buffer = queue.Queue(maxsize=5)
got = []


def producer(n):
    for i in range(20):
        buffer.put(n * 100 + i)
        if i % 7 == 0:
            time.sleep(0.005)


def consumer():
    while (item := buffer.get()) is not None:
        got.append(item)
        if item % 5 == 0:
            time.sleep(0.003)
        buffer.task_done()


producers = [threading.Thread(target=producer, args=(n,)) for n in range(2)]
consumers = [threading.Thread(target=consumer) for _ in range(3)]
for t in producers + consumers:
    t.start()
for t in producers:
    t.join()
for _ in consumers:
    buffer.put(None)
for t in consumers:
    t.join()
print(len(got), sum(got))
