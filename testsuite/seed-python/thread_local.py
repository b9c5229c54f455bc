# Chapter: ThreadLocal. The seed's program.
# CLEAN
import threading

local = threading.local()


def func(name):
    print('current thread:%s' % threading.current_thread().name)
    local.name = name
    print("%s in %s" % (local.name, threading.current_thread().name))


t1 = threading.Thread(target=func, args=('haibo',), name='Thread-1')
t2 = threading.Thread(target=func, args=('lina',), name='Thread-2')
t1.start()
t1.join()
t2.start()
t2.join()
