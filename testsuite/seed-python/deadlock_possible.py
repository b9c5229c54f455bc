# Chapter: deadlock. The same two functions on a day when they do not meet.
import threading

lock_a = threading.Lock()
lock_b = threading.Lock()


def transfer():
    with lock_a:  # EXPECT(lock-order-cycle): holds lock_a
        with lock_b:  # EXPECT(lock-order-cycle): wants lock_b
            print('transfer')


def audit():
    with lock_b:  # EXPECT(lock-order-cycle): holds lock_b
        with lock_a:  # EXPECT(lock-order-cycle): wants lock_a
            print('audit')


def after(event, function):
    while not event:
        pass
    function()


first = []
one = threading.Thread(target=lambda: (transfer(), first.append(1)))
two = threading.Thread(target=after, args=(first, audit))
one.start()
two.start()
one.join()
two.join()
