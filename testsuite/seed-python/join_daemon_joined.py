# Chapter: join. The seed's program with setDaemon(True) and join: main waits, nobody is killed.
# CLEAN
import threading
import time


def target():
    print('the curent threading  %s is running' % threading.current_thread().name)
    time.sleep(0.2)
    print('the curent threading  %s is ended' % threading.current_thread().name)


print('the curent threading  %s is running' % threading.current_thread().name)
t = threading.Thread(target=target)
t.daemon = True
t.start()
t.join()
print('the curent threading  %s is ended' % threading.current_thread().name)
