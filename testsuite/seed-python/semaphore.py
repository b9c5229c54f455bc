# Chapter: semaphores. The seed's program: BoundedSemaphore(5), twenty threads, and main asking all the time who is left.
# EXPECT(busy-wait)
# IGNORE: ^(?!over$)
import threading, time


def run(n):
    semaphore.acquire()
    time.sleep(1)
    print('run the thread:%s\n' % n)
    semaphore.release()


if __name__ == '__main__':
    semaphore = threading.BoundedSemaphore(5)  # at most five at a time

    for i in range(20):
        t = threading.Thread(target=run, args=(i,))
        t.start()

while threading.active_count() != 1:
    print(threading.active_count())
    pass
else:
    print('over')
