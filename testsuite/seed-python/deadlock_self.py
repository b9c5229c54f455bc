# Chapter: deadlock. A Lock asked for twice by one thread.
# HANGS
# EXPECT(self-deadlock)
import threading

lock = threading.Lock()


def inner():
    with lock:  # EXPECT(self-deadlock): asked for again
        print('never')


def outer():
    with lock:
        pass
    with lock:  # EXPECT(self-deadlock): taken
        inner()


t = threading.Thread(target=outer)
t.start()
t.join()
