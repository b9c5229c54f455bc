# Locks taken 500 calls deep, and a recursion through C.
# CLEAN
import threading

lock = threading.Lock()


def deep(n):
    if n:
        return deep(n - 1)
    with lock:
        return 'bottom'


def through_c(n):
    if n:
        return max([n], key=lambda k: through_c(k - 1) == '')
    with lock:
        return ''


t = threading.Thread(target=lambda: print(deep(500), through_c(60)))
t.start()
t.join()
