# Events, timers and barriers.
# CLEAN
import threading

event = threading.Event()
barrier = threading.Barrier(4)
order = []


def worker(n):
    event.wait()
    barrier.wait()
    order.append(n)


threads = [threading.Thread(target=worker, args=(n,)) for n in range(4)]
for t in threads:
    t.start()
threading.Timer(0.05, event.set).start()
for t in threads:
    t.join()
print(sorted(order), event.wait(0.01))
