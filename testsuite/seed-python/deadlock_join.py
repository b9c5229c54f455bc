# Chapter: join. Two threads wait for each other's end.
# HANGS
# EXPECT(deadlock)
import threading

both = threading.Barrier(2)


def first():
    both.wait()
    threads[1].join()  # EXPECT(deadlock): waits for the second


def second():
    both.wait()
    threads[0].join()  # EXPECT(deadlock): waits for the first


threads = [threading.Thread(target=first), threading.Thread(target=second)]
for t in threads:
    t.start()
for t in threads:
    t.join()
