# multiprocessing by spawn: a new interpreter per process, with a pipe, an event and a semaphore.
# CLEAN
import multiprocessing


def child(pipe, ready, permits):
    with permits:
        ready.set()
        pipe.send(pipe.recv() + 1)


if __name__ == '__main__':
    context = multiprocessing.get_context('spawn')
    ours, theirs = context.Pipe()
    ready, permits = context.Event(), context.Semaphore(2)
    p = context.Process(target=child, args=(theirs, ready, permits))
    p.start()
    ready.wait()
    ours.send(41)
    print(ours.recv())
    p.join()
    print(p.exitcode)
