# Locks taken inside generators, callbacks of C functions, finalisers and class bodies: the odd places of a Python stack.
# CLEAN
import functools
import threading

lock = threading.Lock()


def numbers(n):
    for i in range(n):
        with lock:
            yield i


class Key:
    with lock:
        made = 1

    def __init__(self, v):
        self.v = v

    def __lt__(self, other):
        with lock:
            return self.v < other.v

    def __del__(self):
        lock.acquire(False) and lock.release()


def work(out):
    values = sorted(Key(-i) for i in range(30))
    out.append([k.v for k in values[:3]])
    out.append(functools.reduce(lambda a, b: a + b, list(map(lambda i: i, range(10)))))


out = []
print(sum(1 for _ in numbers(5)))
threads = [threading.Thread(target=work, args=(out,)) for _ in range(2)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(out)
