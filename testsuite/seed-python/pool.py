# Chapter: pools. Threads made beforehand that sleep in a queue until a task comes.
# CLEAN
from concurrent.futures import ThreadPoolExecutor
import threading
import time


def task(n):
    time.sleep(0.01)
    return n * n


with ThreadPoolExecutor(max_workers=4) as pool:
    print(sum(pool.map(task, range(40))), threading.active_count() <= 5)
