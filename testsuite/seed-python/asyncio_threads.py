# asyncio with threads: to_thread, run_in_executor and run_coroutine_threadsafe.
# CLEAN
import asyncio
import threading
import time


def blocking(n):
    time.sleep(0.005)
    return n


async def double(n):
    await asyncio.sleep(0.001)
    return 2 * n


def from_thread(loop, out):
    futures = [asyncio.run_coroutine_threadsafe(double(n), loop) for n in range(20)]
    out.append(sum(f.result() for f in futures))


async def main():
    out = []
    t = threading.Thread(target=from_thread, args=(asyncio.get_running_loop(), out))
    t.start()
    done = await asyncio.gather(*(asyncio.to_thread(blocking, n) for n in range(20)))
    while t.is_alive():
        await asyncio.sleep(0.005)
    t.join()
    print(sum(done), out)


asyncio.run(main())
