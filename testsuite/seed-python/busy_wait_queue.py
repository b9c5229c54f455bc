# Chapter: producers and consumers. A consumer that asks whether there is something, where get() would wait.
# EXPECT(busy-wait)
import queue, threading, time

q = queue.Queue()


def producer():
    time.sleep(2)
    q.put('late')


t = threading.Thread(target=producer)
t.start()
while q.empty():  # EXPECT(busy-wait): asks
    pass
print(q.get())
t.join()
