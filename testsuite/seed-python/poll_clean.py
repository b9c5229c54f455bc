# Chapter: semaphores. Locks taken hundreds of thousands of times by one line, which is work: an item each; and asking with a pause.
# CLEAN
# UNORDERED
import concurrent.futures, queue, threading, time

END = time.monotonic() + 2
lock, done, q = threading.Lock(), 0, queue.Queue()


def count():
    global done
    while time.monotonic() < END:
        with lock:
            done += 1


def carry():
    while time.monotonic() < END:
        q.put(1)
        if q.qsize() > 0:
            q.get()


def ask():
    while time.monotonic() < END and threading.active_count() > 1 and not q.full():
        time.sleep(0.001)


def compute():
    total = 0
    while time.monotonic() < END:
        threading.enumerate()
        total += sum(range(2000))
    return total


with concurrent.futures.ThreadPoolExecutor(1) as pool:
    future = pool.submit(compute)
    threads = [threading.Thread(target=f) for f in (count, carry, ask)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    print(future.result() > 0, done > 0)
