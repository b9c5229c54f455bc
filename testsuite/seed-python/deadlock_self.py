# Chapter: deadlock. A Lock asked for twice by one thread.
# HANGS
# EXPECT(self-deadlock|stall)
import threading

lock = threading.Lock()


def inner():
    with lock:  # EXPECT(self-deadlock|stall): asked for again
        print('never')


def outer():
    with lock:
        inner()


t = threading.Thread(target=outer)
t.start()
t.join()
