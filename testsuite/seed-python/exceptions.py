# Threads that end by an exception while they use a lock in a with statement; a status other than 0.
# CLEAN
# EXIT: 3
import sys
import threading

lock = threading.Lock()
threading.excepthook = lambda args: print(args.exc_type.__name__)


def fails():
    with lock:
        raise KeyError('x')


for _ in range(3):
    t = threading.Thread(target=fails)
    t.start()
    t.join()
print(lock.locked())
sys.exit(3)
