# A select loop that serves threads of the same process, and is woken and ended through a socket pair.
# CLEAN
import selectors
import socket
import threading


def serve(listener, stop):
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        selector.register(stop, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is stop:
                    return
                if key.fileobj is listener:
                    selector.register(listener.accept()[0], selectors.EVENT_READ)
                    continue
                data = key.fileobj.recv(100)
                if data:
                    key.fileobj.sendall(data.upper())
                else:
                    selector.unregister(key.fileobj)
                    key.fileobj.close()


answers, lock = [], threading.Lock()


def ask(port, n):
    with socket.create_connection(('127.0.0.1', port)) as s:
        for i in range(20):
            s.sendall(b'%d,%d;abc' % (n, i))
            answer = s.recv(100)
            with lock:
                answers.append(answer)


with socket.create_server(('127.0.0.1', 0)) as listener:
    stop, stopped = socket.socketpair()
    server = threading.Thread(target=serve, args=(listener, stopped))
    server.start()
    clients = [threading.Thread(target=ask, args=(listener.getsockname()[1], n)) for n in range(4)]
    for t in clients:
        t.start()
    for t in clients:
        t.join()
    stop.send(b'x')
    server.join()
    stop.close()
    stopped.close()
print(len(answers), all(a.endswith(b'ABC') for a in answers))
