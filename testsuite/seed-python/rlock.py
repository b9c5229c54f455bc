# Chapter: deadlock. An RLock may be asked for twice.
# CLEAN
import threading

lock = threading.RLock()
count = 0


def inner():
    global count
    with lock:
        count += 1


def outer():
    for _ in range(300):
        with lock:
            inner()


threads = [threading.Thread(target=outer) for _ in range(3)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(count)
