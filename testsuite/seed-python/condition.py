# Chapter: producers and consumers, with threading.Condition and a check in a loop.
# CLEAN
import threading

condition = threading.Condition()
items = []
total = 0


def consumer():
    global total
    for _ in range(50):
        with condition:
            while not items:
                condition.wait()
            total += items.pop()


def producer():
    for i in range(100):
        with condition:
            items.append(i)
            condition.notify()


threads = [threading.Thread(target=consumer) for _ in range(2)] + [threading.Thread(target=producer)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(total)
