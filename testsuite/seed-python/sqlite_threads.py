# sqlite3 in threads: a connection each, one shared connection under a lock, and Python functions called back from C.
# CLEAN
import sqlite3
import threading

shared = sqlite3.connect(':memory:', check_same_thread=False)
shared.create_function('twice', 1, lambda x: 2 * x)
shared.execute('create table sums (n integer)')
lock = threading.Lock()


def work(n):
    with sqlite3.connect(':memory:') as own:
        own.execute('create table t (x integer)')
        own.executemany('insert into t values (?)', [(i,) for i in range(200)])
        total = own.execute('select sum(x) from t').fetchone()[0]
    own.close()
    for _ in range(20):
        with lock:
            shared.execute('insert into sums values (twice(?))', (total + n,))


threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
with lock:
    print(shared.execute('select count(*), sum(n) from sums').fetchone())
shared.close()
