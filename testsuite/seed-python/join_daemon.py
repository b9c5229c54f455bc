# Chapter: join. The seed's program with setDaemon(True) and no join: the thread dies with main.
# EXPECT(daemon-killed)
# SEVERITY(daemon-killed): warning
import threading
import time


def target():
    print('the curent threading  %s is running' % threading.current_thread().name, flush=True)
    time.sleep(20)
    print('the curent threading  %s is ended' % threading.current_thread().name, flush=True)


print('the curent threading  %s is running' % threading.current_thread().name, flush=True)
t = threading.Thread(target=target)
t.daemon = True
t.start()
time.sleep(0.5)
print('the curent threading  %s is ended' % threading.current_thread().name, flush=True)
