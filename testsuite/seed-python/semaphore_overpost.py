# Chapter: semaphores. BoundedSemaphore refuses to be given back once too often; a plain Semaphore does not.
# CLEAN
import threading

bounded = threading.BoundedSemaphore(2)
bounded.acquire()
bounded.release()
try:
    bounded.release()
except ValueError as error:
    print(error)
plain = threading.Semaphore(2)
plain.release()
print(plain._value)
