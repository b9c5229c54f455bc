# Chapter: join. The seed's program without join: main ends first, the process waits for the thread.
# CLEAN
import threading
import time


def target():
    print('the curent threading  %s is running' % threading.current_thread().name, flush=True)
    time.sleep(1.5)
    print('the curent threading  %s is ended' % threading.current_thread().name, flush=True)


print('the curent threading  %s is running' % threading.current_thread().name, flush=True)
t = threading.Thread(target=target)
t.start()
time.sleep(0.4)
print('the curent threading  %s is ended' % threading.current_thread().name, flush=True)
