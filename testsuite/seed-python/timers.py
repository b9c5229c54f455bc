# Timers, cancelled and not, a scheduler in a thread, and a barrier that breaks.
# CLEAN
import sched
import threading
import time

done, lock = [], threading.Lock()


def note(n):
    with lock:
        done.append(n)


timers = [threading.Timer(0.02 * n, note, args=(n,)) for n in range(1, 6)]
late = threading.Timer(60, note, args=(99,))
for t in timers + [late]:
    t.start()
late.cancel()
scheduler = sched.scheduler(time.monotonic, time.sleep)
for n in range(3):
    scheduler.enter(0.01 * n, 1, note, argument=(10 + n,))
runner = threading.Thread(target=scheduler.run)
runner.start()
barrier, broken = threading.Barrier(3), []


def meet():
    try:
        barrier.wait(5)
    except threading.BrokenBarrierError:
        with lock:
            broken.append(1)


two = [threading.Thread(target=meet) for _ in range(2)]
for t in two:
    t.start()
barrier.abort()
for t in timers + [late, runner] + two:
    t.join()
print(sorted(done), len(broken))
