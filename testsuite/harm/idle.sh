# Servers and interpreters that do nothing for a while (a minute with --long, else three seconds): not one word of a hang.
. "$HERE/lib.sh"
export TWATCH_OPTIONS=races=off:on_deadlock=abort
pids=()
trap 'kill -9 "${pids[@]}" 2>/dev/null' EXIT

# idle NAME COMMAND...: starts it if it is installed
idle() {
    local name=$1 program
    program=$(PATH=$PATH:/usr/sbin command -v "$2") || return 0
    mkdir "$name"
    (cd "$name" && LD_PRELOAD=$BUILD/libtwatch.so exec "$program" "${@:3}" >out 2>err </dev/null) &
    pids+=($!)
    names+=("$name")
}
names=()
idle redis redis-server --port 0 --unixsocket "$WORK/redis.s" --io-threads 4 --save ''
idle memcached memcached -u "$(id -un)" -t 4 -s "$WORK/memcached.s"
if command -v mariadb-install-db >/dev/null; then
    mariadb-install-db --no-defaults --datadir="$WORK/db" --user="$(id -un)" --auth-root-authentication-method=normal --skip-test-db >install.log 2>&1 ||
        die "no database: $(tail -n 2 install.log)"
    idle mariadbd mariadbd --no-defaults --datadir="$WORK/db" --socket="$WORK/db.s" --skip-networking --user="$(id -un)" --innodb-buffer-pool-size=32M \
        --innodb-use-native-aio=0 --thread-handling=pool-of-threads
fi
cat >nginx.conf <<END
user $(id -un) $(id -gn); daemon off; worker_processes 2; pid $WORK/nginx.pid; error_log $WORK/nginx.log; thread_pool files threads=4;
events { worker_connections 64; }
http { access_log off; client_body_temp_path $WORK/b; proxy_temp_path $WORK/p; fastcgi_temp_path $WORK/f; uwsgi_temp_path $WORK/u; scgi_temp_path $WORK/s;
  server { listen unix:$WORK/nginx.s; root $WORK; location / { aio threads=files; } } }
END
idle nginx nginx -p "$WORK" -c "$WORK/nginx.conf"
idle node node -e 'setTimeout(() => 0, 1e6); require("fs").readFile("/dev/null", () => 0)'
idle python /usr/bin/python3 -c '
import concurrent.futures, queue, threading
pool = concurrent.futures.ThreadPoolExecutor(4)
list(pool.map(abs, range(100)))
todo = queue.Queue()
threading.Thread(target=todo.get, daemon=True).start()
import signal; signal.pause()'
cat >Idle.java <<'END'
import java.util.concurrent.*;
class Idle {
    public static void main(String[] args) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(4);
        for (int i = 0; i < 100; i++) pool.submit(() -> {});
        new Thread(() -> { try { new LinkedBlockingQueue<Integer>().take(); } catch (InterruptedException e) {} }).start();
        synchronized (Idle.class) { Idle.class.wait(); }
    }
}
END
idle java java "$WORK/Idle.java"
mkfifo never
exec 9<>never
idle sqlite3 sqlite3 -init "$WORK/never" :memory:
idle bash bash "$WORK/never"
[ ${#pids[@]} -gt 0 ] || die "nothing to watch is installed"
sleep 1
/usr/bin/python3 -c 'import socket, sys  # a request, for the threads of its pool are made by the first
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(b"GET /nginx.conf HTTP/1.0\r\n\r\n")
while s.recv(4096): pass' "$WORK/nginx.s" || die "nginx does not answer"
sleep $((LONG ? 60 : 2))
for i in "${!pids[@]}"; do
    kill -0 "${pids[i]}" 2>/dev/null || die "${names[i]} ended while it was idle: $(tail -n 3 "${names[i]}/err")"
    ! grep -aE 'twatch.*(deadlock|stall|hang|wakeup|waits)' "${names[i]}/err" || die "${names[i]}: said while it was idle"
done
kill -TERM "${pids[@]}"
sleep 2
readable $((${#pids[@]} - 2)) # bash and sqlite3 have one thread and need no record
find . -name '*.twatch' | while read -r file; do
    "$BUILD/twatch" report --format=json "$file" 2>/dev/null |
        jq -r '.findings[] | select(.kind | IN("deadlock", "self-deadlock", "stall", "lost-wakeup", "pool-starvation", "hang", "busy-wait")) | .headline' >said.txt
    [ ! -s said.txt ] || die "$file: $(head -n 2 said.txt)"
done || exit 1
