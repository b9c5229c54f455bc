# Chapter: join. A thread that is asked for with a short timeout until it has ended, as programs do that must hear Ctrl-C: nobody gave up.
# CLEAN
import threading
import time


def target():
    time.sleep(0.3)


t = threading.Thread(target=target)
t.start()
while t.is_alive():
    t.join(0.05)
print('ended')
