# An Event that nobody will set.
# HANGS
# EXPECT(stall)
import signal
import threading

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's own handler could wake main, so that it waits for a reason
event = threading.Event()


def waiter():
    event.wait()  # EXPECT(stall): waits for ever


t = threading.Thread(target=waiter)
t.start()
t.join()
