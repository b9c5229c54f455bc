# Chapter: daemon threads. The seed's program with setDaemon(False): "end" comes after "main thread end".
# CLEAN
import threading
import time


def fuc():
    print('start', flush=True)
    time.sleep(2)
    print('end', flush=True)


if __name__ == '__main__':
    t = threading.Thread(target=fuc, args=())
    t.daemon = False  # the program waits for the thread (the default)
    t.start()
    time.sleep(1)
    print('main thread end', flush=True)
