# Chapter: deadlock. Two RLocks, each taken twice by its holder, and asked for by the other.
# HANGS
# ALLOW(stall)
import threading

a, b = threading.RLock(), threading.RLock()
both = threading.Barrier(2)
for lock in (a, b):  # used before: nobody takes them for a signal
    with lock:
        pass


def deposit():
    with a:  # EXPECT(deadlock): holds a
        with a:
            both.wait()
            with b:  # EXPECT(deadlock): waits for b
                print('deposit')


def withdraw():
    with b:  # EXPECT(deadlock): holds b
        with b:
            both.wait()
            with a:  # EXPECT(deadlock): waits for a
                print('withdraw')


threads = [threading.Thread(target=deposit), threading.Thread(target=withdraw)]
for t in threads:
    t.start()
for t in threads:
    t.join()
