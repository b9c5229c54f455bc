# ProcessPoolExecutor: its own threads manage the processes.
# CLEAN
from concurrent.futures import ProcessPoolExecutor


def square(n):
    return n * n


if __name__ == '__main__':
    with ProcessPoolExecutor(2) as pool:
        print(sum(pool.map(square, range(40), chunksize=4)))
