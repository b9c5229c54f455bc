# Chapter: deadlock. The same two locks in one order.
# CLEAN
import threading

lock_a = threading.Lock()
lock_b = threading.Lock()
count = 0


def transfer():
    global count
    for _ in range(200):
        with lock_a:
            with lock_b:
                count += 1


threads = [threading.Thread(target=transfer) for _ in range(3)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(count)
