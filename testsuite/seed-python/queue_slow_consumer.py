# A queue of four places between fast producers and slow consumers: the producers wait for room (testsuite/unit/roles.py asserts what is said).
# CLEAN
import queue
import threading
import time

places = queue.Queue(4)
taken = []


def producer():
    for i in range(30):
        places.put(i)


def consumer():
    while (item := places.get()) is not None:
        time.sleep(0.003)
        taken.append(item)


producers = [threading.Thread(target=producer) for _ in range(2)]
consumers = [threading.Thread(target=consumer) for _ in range(3)]
for t in producers + consumers:
    t.start()
for t in producers:
    t.join()
for _ in consumers:
    places.put(None)
for t in consumers:
    t.join()
print(len(taken))
