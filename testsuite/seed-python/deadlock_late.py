# Chapter: deadlock. Two locks taken one inside the other a thousand times, and then the other way round by another thread: the stacks are as good then.
# HANGS
# ALLOW(stall)
import threading

a, b = threading.Lock(), threading.Lock()
both = threading.Barrier(2)


def often():
    for _ in range(1000):
        with a:
            with b:
                pass
    both.wait()
    with a:  # EXPECT(deadlock): holds a
        both.wait()
        with b:  # EXPECT(deadlock): waits for b
            print('often')


def once():
    both.wait()
    with b:  # EXPECT(deadlock): holds b
        both.wait()
        with a:  # EXPECT(deadlock): waits for a
            print('once')


threads = [threading.Thread(target=often), threading.Thread(target=once)]
for t in threads:
    t.start()
for t in threads:
    t.join()
