# os.fork in a program with threads that hold no lock at that moment.
# CLEAN
import os
import threading
import time

stop = []


def ticker():
    while not stop:
        time.sleep(0.01)


t = threading.Thread(target=ticker)
t.start()
for n in range(5):
    pid = os.fork()
    if pid == 0:
        lock = threading.Lock()
        with lock:
            os._exit(n)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
stop.append(1)
t.join()
