# Chapter: semaphores. The same loop with is_alive(), which tries the lock that the thread gives back at its end.
# EXPECT(busy-wait)
# UNSEEN(3.13): is_alive() reads a flag there, and calls nothing
import threading, time

t = threading.Thread(target=time.sleep, args=(2,))
t.start()
while t.is_alive():  # EXPECT(busy-wait): asks
    pass
t.join()
print('over')
