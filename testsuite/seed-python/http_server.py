# A threading HTTP server under load from threads of the same process.
# CLEAN
import http.server
import threading
import urllib.request


class Handler(http.server.BaseHTTPRequestHandler):
    hits = 0
    lock = threading.Lock()

    def do_GET(self):
        with Handler.lock:
            Handler.hits += 1
        body = self.path.encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False


server = Server(('127.0.0.1', 0), Handler)
serving = threading.Thread(target=server.serve_forever)
serving.start()
url = 'http://127.0.0.1:%d/' % server.server_port
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
good = []


def client(n):
    for i in range(15):
        with opener.open(url + '%d-%d' % (n, i), timeout=20) as answer:
            good.append(answer.read() == b'/%d-%d' % (n, i))


clients = [threading.Thread(target=client, args=(n,)) for n in range(6)]
for t in clients:
    t.start()
for t in clients:
    t.join()
server.shutdown()
serving.join()
server.server_close()
print(sum(good), Handler.hits)
