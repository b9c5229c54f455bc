"""Calls lock functions from many kinds of Python frames; before each it says on stderr what Python thinks the stack is."""
import asyncio, functools, os, sys, threading, _thread

lock = _thread.allocate_lock()


def want(frame, line):
    out = []
    while frame:
        out.append(f"{frame.f_code.co_qualname}:{line if not out else frame.f_lineno}|")
        frame = frame.f_back
    os.write(2, (f"WANT {threading.get_native_id()} " + "".join(out) + "\n").encode())


def probe(*_):
    frame = sys._getframe()
    want(frame, frame.f_lineno + 1)
    got = lock.acquire(False)
    if got:
        want(frame, frame.f_lineno + 1)
        lock.release()
    return 0


def blocked(seconds=0.01):
    other = _thread.allocate_lock()
    other.acquire()
    frame = sys._getframe()
    want(frame, frame.f_lineno + 1)
    other.acquire(True, seconds)


def nested(n):
    if n:
        return nested(n - 1)
    probe()
    blocked()


def generator():
    for _ in range(2):
        probe()
        yield from (probe() for _ in range(2))


class Klass:
    def method(self):
        probe()
        blocked()

    @property
    def prop(self):
        return probe()

    def __lt__(self, other):
        probe()
        return True

    def __del__(self):
        probe()


@functools.lru_cache
def cached():
    probe()


def überlänge(
    a=1,
    b=2,
):
    # a comment, so that the line table has gaps

    if (a
            and b):
        probe(
            1,
            2)
    try:
        raise ValueError(
            "x")
    except ValueError:
        probe()
    finally:
        probe()


def 函数():
    probe()


async def coroutine(n):
    probe()
    await asyncio.sleep(0)
    probe()
    if n:
        await coroutine(n - 1)




exec(compile("\n".join(["def many_lines():", "    x = 0"] + ["    x += 1"] * 5000 + ["    probe()", "    return x"]), "made.py", "exec"))

nested(3)
nested(40)
list(generator())
Klass().method()
Klass().prop
sorted([Klass(), Klass()])
sorted([3, 1, 2], key=probe)
list(map(lambda x: probe(x), [1]))
cached()
überlänge()
函数()
many_lines()
eval("probe()")
thread = threading.Thread(target=nested, args=(2,))
thread.start()
thread.join()
asyncio.run(coroutine(2))
functools.reduce(lambda a, b: probe(), [1, 2, 3])
{k: probe() for k in range(1)}


def deep(n):
    return sorted([n], key=lambda k: deep(k - 1) if k else probe())


deep(8)
