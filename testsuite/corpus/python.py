"""Threads, queues, executors, subprocesses and multiprocessing of CPython."""
import concurrent.futures, multiprocessing, queue, subprocess, sys, threading, time

lock, condition, total = threading.Lock(), threading.Condition(), [0]
q = queue.Queue(5)


def square(x):
    return x * x


def producer():
    for i in range(200):
        q.put(i)
    q.put(None)


def consumer():
    while (item := q.get()) is not None:
        with lock:
            total[0] += item
    q.put(None)


def main():
    threads = [threading.Thread(target=producer)] + [threading.Thread(target=consumer) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    print("queue", total[0])
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        print("executor", sum(pool.map(square, range(300))))
    with multiprocessing.Pool(2) as pool:
        print("pool", sum(pool.map(square, range(100))))
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        print("spawn", sum(pool.map(square, range(50))))
    print("subprocess", [subprocess.run([sys.executable, "-c", f"print({i})"], capture_output=True, text=True).stdout.strip() for i in range(5)])
    event, timer = threading.Event(), threading.Timer(0.05, lambda: event.set())
    timer.start()
    print("event", event.wait(10))
    semaphore = threading.BoundedSemaphore(2)

    def limited():
        with semaphore:
            time.sleep(0.002)

    threads = [threading.Thread(target=limited, daemon=True) for _ in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    print("done")


if __name__ == "__main__":
    main()
