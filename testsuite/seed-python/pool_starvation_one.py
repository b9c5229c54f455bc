# Chapter: pools. A task waits for a task of the same pool, which has one worker.
# HANGS
# EXPECT(stall|pool-starvation)
# ALLOW(lost-wakeup, stall)
from concurrent.futures import ThreadPoolExecutor
import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's own handler could wake main, so that it waits for a reason
pool = ThreadPoolExecutor(max_workers=1)


def inner():
    return 1


def outer():
    return pool.submit(inner).result()  # EXPECT(stall|pool-starvation): waits


print(pool.submit(outer).result())
