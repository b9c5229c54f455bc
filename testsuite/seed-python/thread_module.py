# Chapter: avoid the thread module. _thread has no join and no control over when the process exits.
# EXPECT(daemon-killed)
# SEVERITY(daemon-killed): warning
import _thread
import time


def loop(n):
    print('loop', n, 'starts', flush=True)
    time.sleep(20)
    print('loop', n, 'done', flush=True)


_thread.start_new_thread(loop, (0,))
time.sleep(0.5)
_thread.start_new_thread(loop, (1,))
time.sleep(0.5)
print('all done?', flush=True)
