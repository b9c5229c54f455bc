# Four threads, one lock, many times.
# CLEAN
import threading

lock = threading.Lock()
count = 0


def add():
    global count
    for _ in range(5000):
        with lock:
            count += 1


threads = [threading.Thread(target=add) for _ in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(count)
