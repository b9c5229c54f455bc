# Chapter: producers and consumers. notify() before anybody waits, and a wait that does not look first.
# HANGS
# EXPECT(stall|deadlock|self-deadlock|lost-wakeup)
import threading

condition = threading.Condition()


def producer():
    with condition:
        condition.notify()


t = threading.Thread(target=producer)
t.start()
t.join()
with condition:
    condition.wait()  # EXPECT(stall|deadlock|self-deadlock|lost-wakeup): waits for ever
print('never')
