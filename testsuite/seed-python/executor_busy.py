# An executor's workers take their tasks from one queue: a pool, which the report describes (testsuite/unit/roles.py asserts it).
# CLEAN
import time
from concurrent.futures import ThreadPoolExecutor


def job(n):
    time.sleep(0.01)
    return n


with ThreadPoolExecutor(4) as pool:
    futures = []
    for i in range(24):
        futures.append(pool.submit(job, i))
        time.sleep(0.004)
    print(sum(f.result() for f in futures))
