# ctypes: threads made by pthread_create that call back into Python, with a thread state for each call; and calls that let go of the interpreter.
# CLEAN
import ctypes
import threading

libc = ctypes.CDLL(None)
ROUTINE = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
COMPARE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
lock, calls = threading.Lock(), 0


def called(arg):
    global calls
    for _ in range(10):
        with lock:
            calls += 1
        libc.usleep(100)
    return None


routine = ROUTINE(called)
handles = [ctypes.c_ulong() for _ in range(4)]
for handle in handles:
    libc.pthread_create(ctypes.byref(handle), None, routine, None)
numbers = (ctypes.c_int * 50)(*[i * 37 % 50 for i in range(50)])


def compare(a, b):
    with lock:
        return a[0] - b[0]


libc.qsort(numbers, 50, ctypes.sizeof(ctypes.c_int), COMPARE(compare))
for handle in handles:
    libc.pthread_join(handle, None)
print(calls, list(numbers) == sorted(numbers))
