# Chapter: join. "Of N threads joined with a timeout, main waits N times the timeout at most", and then the daemons die.
# EXPECT(daemon-killed)
import threading
import time


def target():
    time.sleep(20)


threads = [threading.Thread(target=target, daemon=True) for _ in range(4)]
for t in threads:
    t.start()
begin = time.monotonic()
for t in threads:
    t.join(0.1)  # EXPECT(join-timeout): gives up
waited = time.monotonic() - begin
print('waited', 4, 'times' if waited >= 0.4 else 'less', sum(t.is_alive() for t in threads), 'alive')
