# Chapter: daemon threads. The process ends while the daemon is inside `with lock`.
# EXPECT(daemon-killed)
# SEVERITY(daemon-killed): error
import threading
import time

lock = threading.Lock()
inside = []


def fuc():
    with lock:  # EXPECT(daemon-killed): holds
        inside.append(1)
        time.sleep(20)


t = threading.Thread(target=fuc, daemon=True)
t.start()
while not inside:
    time.sleep(0.01)
print('main thread end')
