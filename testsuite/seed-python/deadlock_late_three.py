# Chapter: deadlock. Three locks, one inside the other, a thousand times; then the outermost is asked for by one who holds the innermost.
# HANGS
# ALLOW(stall)
import threading

a, b, c = threading.Lock(), threading.Lock(), threading.Lock()
both, ready = threading.Barrier(2), threading.Event()


def often():
    for i in range(1001):
        with a:  # EXPECT(deadlock): holds a
            with b:
                if i == 1000:
                    ready.set()
                    both.wait()
                with c:  # EXPECT(deadlock): waits for c
                    pass


def once():
    with c:  # EXPECT(deadlock): holds c
        both.wait()
        with a:  # EXPECT(deadlock): waits for a
            print('once')


first = threading.Thread(target=often)
second = threading.Thread(target=once)
first.start()
ready.wait()
second.start()
first.join()
second.join()
