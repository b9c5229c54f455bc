# Chapter: pools. done() in a loop, where result() would wait.
# EXPECT(busy-wait)
import concurrent.futures, time

with concurrent.futures.ThreadPoolExecutor(1) as pool:
    future = pool.submit(time.sleep, 2)
    while not future.done():  # EXPECT(busy-wait): asks
        pass
    print(future.result())
