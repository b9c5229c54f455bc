# Chapter: join. The joiner holds the lock that the joined thread needs to end.
# HANGS
# EXPECT(deadlock)
# ALLOW(stall)
import threading

lock = threading.Lock()
with lock:
    pass


def work():
    with lock:  # EXPECT(deadlock): waits for the joiner's lock
        print('never')


t = threading.Thread(target=work)
with lock:  # EXPECT(deadlock): holds it
    t.start()
    t.join()  # EXPECT(deadlock): waits for the end
