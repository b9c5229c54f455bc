# What locks, semaphores and queues cost a Python program: run with and without the library and compare the seconds printed.
import queue
import sys
import threading
import time

N = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def work(lock, permits):
    total = 0
    for i in range(40000 * N):
        with lock:
            total += i % 7
        if i % 8 == 0:
            with permits:
                total += len(str(i))
    return total


def feed(q):
    for i in range(20000 * N):
        q.put(i)
    q.put(None)


def drain(q):
    while q.get() is not None:
        pass


def run():
    lock, permits, q = threading.Lock(), threading.BoundedSemaphore(2), queue.Queue(64)
    threads = [threading.Thread(target=work, args=(lock, permits)) for _ in range(2)]
    threads += [threading.Thread(target=feed, args=(q,)), threading.Thread(target=drain, args=(q,))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


begin = time.perf_counter()
run()
print('%.3f' % (time.perf_counter() - begin))
