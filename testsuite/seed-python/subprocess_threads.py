# Threads that each start programs and read what they say.
# CLEAN
import subprocess
import threading

out = {}


def run(n):
    done = subprocess.run(['sh', '-c', 'echo %d; exit %d' % (n, n)], capture_output=True, text=True)
    out[n] = (done.stdout.strip(), done.returncode)


threads = [threading.Thread(target=run, args=(n,)) for n in range(8)]
for t in threads:
    t.start()
for t in threads:
    t.join()
pipe = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(sorted(out.items()), pipe.communicate(b'through cat')[0])
