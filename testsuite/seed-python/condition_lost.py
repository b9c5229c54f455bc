# Chapter: producers and consumers. notify() before anybody waits, and a wait that does not look first.
# HANGS
# EXPECT(stall)
import signal
import threading

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's own handler could wake main, so that it waits for a reason
condition = threading.Condition()


def producer():
    with condition:
        condition.notify()


t = threading.Thread(target=producer)
t.start()
t.join()
with condition:
    condition.wait()  # EXPECT(stall): waits for ever
print('never')
