# logging from threads, through a queue and a listener thread, and with a handler that logs itself.
# CLEAN
# UNORDERED
import logging
import logging.handlers
import queue
import sys
import threading


class Counting(logging.Handler):
    count = 0

    def emit(self, record):
        self.count += 1
        if record.levelno == logging.ERROR:
            logging.getLogger('inner').warning('seen %s', record.getMessage())


q = queue.Queue()
stream = logging.StreamHandler(sys.stdout)
counting = Counting()
listener = logging.handlers.QueueListener(q, stream, counting)
root = logging.getLogger()
root.setLevel(logging.INFO)
root.addHandler(logging.handlers.QueueHandler(q))
listener.start()


def work(n):
    log = logging.getLogger(f'worker.{n}')
    for i in range(50):
        log.info('%d.%d', n, i)
    log.error('%d failed', n)


threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
while counting.count < 4 * 52:
    threading.Event().wait(0.01)
listener.stop()
logging.shutdown()
print(counting.count)
