# Chapter: pools. Every worker waits for a task that only a worker could run.
# HANGS
# EXPECT(stall)
# ALLOW(lost-wakeup)
from concurrent.futures import ThreadPoolExecutor
import signal
import threading

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's own handler could wake main, so that it waits for a reason
pool = ThreadPoolExecutor(max_workers=2)
both = threading.Barrier(2)


def inner():
    return 1


def outer():
    both.wait()
    return pool.submit(inner).result()  # EXPECT(stall): waits


results = [pool.submit(outer) for _ in range(2)]
print([r.result() for r in results])
