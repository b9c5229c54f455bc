"""Fetches files over loopback HTTP in four threads and prints how many answers were right."""
import http.client, sys, threading

port, rounds = int(sys.argv[1]), int(sys.argv[2])
right = []


def client(me):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for i in range(rounds):
        connection.request("GET", f"/f{i % 5}")
        answer = connection.getresponse()
        body = answer.read()
        if answer.status == 200 and len(body) == 1000 * (1 + i % 5) ** 3:
            right.append(me)
    connection.close()


pool = [threading.Thread(target=client, args=(i,)) for i in range(4)]
for t in pool:
    t.start()
for t in pool:
    t.join()
print(len(right), "right answers")
