# Chapter: producers and consumers. Two Conditions, each held by a thread that wants the other to notify.
# HANGS
# ALLOW(stall)
import threading

full, empty = threading.Condition(), threading.Condition()
both = threading.Barrier(2)
for condition in (full, empty):
    with condition:
        condition.notify_all()


def produce():
    with empty:  # EXPECT(deadlock): holds empty
        both.wait()
        with full:  # EXPECT(deadlock): waits for full
            full.notify()


def consume():
    with full:  # EXPECT(deadlock): holds full
        both.wait()
        with empty:  # EXPECT(deadlock): waits for empty
            empty.notify()


threads = [threading.Thread(target=produce), threading.Thread(target=consume)]
for t in threads:
    t.start()
for t in threads:
    t.join()
