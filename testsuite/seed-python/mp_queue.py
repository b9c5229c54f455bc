# multiprocessing with queues between processes (fork).
# CLEAN
import multiprocessing


def worker(tasks, results):
    for n in iter(tasks.get, None):
        results.put(n * n)


if __name__ == '__main__':
    multiprocessing.set_start_method('fork')
    tasks, results = multiprocessing.Queue(), multiprocessing.Queue()
    workers = [multiprocessing.Process(target=worker, args=(tasks, results)) for _ in range(2)]
    for w in workers:
        w.start()
    for n in range(50):
        tasks.put(n)
    total = sum(results.get() for _ in range(50))
    for _ in workers:
        tasks.put(None)
    for w in workers:
        w.join()
    print(total, [w.exitcode for w in workers])
