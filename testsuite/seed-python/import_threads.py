# Imports by several threads at once, of modules that import each other: the import system has locks of its own, and finds its circles itself.
# CLEAN
import os
import sys
import tempfile
import threading

with tempfile.TemporaryDirectory() as folder:
    for name, other in (('one', 'two'), ('two', 'one')):
        with open(os.path.join(folder, f'seed_{name}.py'), 'w') as module:
            module.write(f'import time\ntime.sleep(0.02)\nimport seed_{other}\nvalue = 1\n')
    sys.path.insert(0, folder)
    both = threading.Barrier(6)
    good = []

    def work(n):
        both.wait()
        if n < 2:
            __import__(('seed_one', 'seed_two')[n])
        else:
            __import__(('decimal', 'json', 'email.message', 'xml.dom.minidom')[n - 2])
        good.append(n)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    print(sorted(good), sys.modules['seed_one'].value + sys.modules['seed_two'].value)
