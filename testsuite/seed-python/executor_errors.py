# Executors whose tasks raise, are cancelled, and are waited for with a limit.
# CLEAN
from concurrent.futures import ThreadPoolExecutor, TimeoutError, as_completed
import time


def task(n):
    if n % 3 == 0:
        raise ValueError(n)
    time.sleep(0.002)
    return n


with ThreadPoolExecutor(3) as pool:
    futures = [pool.submit(task, n) for n in range(30)]
    good = bad = 0
    for future in as_completed(futures):
        if future.exception():
            bad += 1
        else:
            good += 1
    slow = pool.submit(time.sleep, 0.2)
    try:
        slow.result(timeout=0.01)
    except TimeoutError:
        print('late')
print(good, bad)
