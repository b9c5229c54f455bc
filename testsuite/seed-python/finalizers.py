# Finalizers, weak references and the garbage collector, run in whatever thread the last reference goes, and take a lock there; the values of a
# threading.local go with their thread.
# CLEAN
import gc
import threading
import weakref

lock, ended, local = threading.RLock(), [], threading.local()


class Thing:
    def __init__(self, n):
        self.me, self.n = self, n

    def __del__(self):
        with lock:
            ended.append(self.n)


def count(n):
    with lock:
        ended.append(-n)


def work(n):
    local.thing = Thing(n)
    local.thing.me = None
    weakref.finalize(local.thing, count, n)
    for i in range(20):
        Thing(100 * n + i)
    gc.collect()


threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 5)]
for t in threads:
    t.start()
for t in threads:
    t.join()
gc.collect()
print(len(ended), sum(ended))
