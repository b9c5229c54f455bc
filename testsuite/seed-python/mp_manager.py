# multiprocessing.Manager: a server process, a thread per connection in it, and proxies of a dictionary, a queue and a lock.
# CLEAN
# ALLOW(daemon-killed): the server process ends while its threads wait for their clients, which is how the module ends it
import multiprocessing


def work(n, sums, lock, q):
    for i in range(10):
        with lock:
            sums['all'] = sums.get('all', 0) + i
    q.put(n)


if __name__ == '__main__':
    context = multiprocessing.get_context('fork')
    with context.Manager() as manager:
        sums, lock, q = manager.dict(), manager.Lock(), manager.Queue()
        processes = [context.Process(target=work, args=(n, sums, lock, q)) for n in range(3)]
        for p in processes:
            p.start()
        print(sorted(q.get() for _ in processes))
        for p in processes:
            p.join()
        print(sums['all'], [p.exitcode for p in processes])
