# A Lock that is released by another thread than the one that took it: allowed in Python, a signal and not a mutex.
# CLEAN
import threading

ping = threading.Lock()
pong = threading.Lock()
ping.acquire()
pong.acquire()
log = []


def player():
    for i in range(100):
        ping.acquire()
        log.append(i)
        pong.release()


t = threading.Thread(target=player)
t.start()
for _ in range(100):
    ping.release()
    pong.acquire()
t.join()
print(sum(log))
