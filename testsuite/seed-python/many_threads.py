# Two hundred threads, twenty at a time.
# CLEAN
import threading

permits = threading.Semaphore(20)
lock = threading.Lock()
total = 0


def work(n):
    global total
    with permits:
        with lock:
            total += n


threads = [threading.Thread(target=work, args=(n,)) for n in range(200)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(total)
