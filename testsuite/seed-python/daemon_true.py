# Chapter: daemon threads. The seed's program with setDaemon(True): "start", "main thread end", and never "end".
# EXPECT(daemon-killed)
# SEVERITY(daemon-killed): warning
import threading
import time


def fuc():
    print('start', flush=True)
    time.sleep(20)
    print('end', flush=True)


if __name__ == '__main__':
    t = threading.Thread(target=fuc, args=())
    t.daemon = True  # the program does not wait for the thread
    t.start()  # EXPECT(daemon-killed): created here
    time.sleep(0.5)
    print('main thread end', flush=True)
