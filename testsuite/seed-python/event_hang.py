# An Event that nobody will set.
# HANGS
# EXPECT(stall|deadlock|self-deadlock)
import threading

event = threading.Event()


def waiter():
    event.wait()  # EXPECT(stall|deadlock|self-deadlock): waits for ever


t = threading.Thread(target=waiter)
t.start()
t.join()
