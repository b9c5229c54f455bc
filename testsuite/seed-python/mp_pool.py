# multiprocessing.Pool, a shared value under a lock of several processes.
# CLEAN
import multiprocessing


def start(shared):
    global value
    value = shared


def add(n):
    with value.get_lock():
        value.value += n
    return n


if __name__ == '__main__':
    shared = multiprocessing.Value('i', 0)
    with multiprocessing.Pool(2, start, (shared,)) as pool:
        done = pool.map(add, range(100))
        pool.close()
        pool.join()
    print(sum(done), shared.value)
