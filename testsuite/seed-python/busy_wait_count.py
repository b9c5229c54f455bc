# Chapter: semaphores. The seed's last line with nothing in the loop: main asks until the others have ended.
# EXPECT(busy-wait)
import threading, time

for i in range(3):
    threading.Thread(target=time.sleep, args=(1.5 + i / 10,)).start()

while threading.active_count() != 1:  # EXPECT(busy-wait): asks
    pass
print('over')
