# Chapter: deadlock. A resource asked for several times, and those who ask cannot give it back.
# HANGS
# ALLOW(stall)
import threading
import time

lock_a = threading.Lock()
lock_b = threading.Lock()


def transfer():
    with lock_a:  # EXPECT(deadlock): holds lock_a
        time.sleep(0.5)
        with lock_b:  # EXPECT(deadlock): waits for lock_b
            print('transfer')


def audit():
    with lock_b:  # EXPECT(deadlock): holds lock_b
        time.sleep(0.5)
        with lock_a:  # EXPECT(deadlock): waits for lock_a
            print('audit')


threads = [threading.Thread(target=transfer), threading.Thread(target=audit)]
for t in threads:
    t.start()
for t in threads:
    t.join()
