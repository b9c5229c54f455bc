# redis-server (with its own jemalloc and two I/O threads) under redis-benchmark.
. "$HERE/lib.sh"
need redis-server redis-benchmark
start redis-server --bind 127.0.0.1 --port "$PORT" --save '' --appendonly no --io-threads 2 --daemonize no --logfile redis.log
wait_port "$PORT" $server || { tail redis.log >&2; exit 1; }
redis-benchmark -p "$PORT" -q -n $((10000 * SCALE)) -c 20 -P 4 -t set,get,lpush,incr,mset >/dev/null || exit 1
for i in 1 2 3; do redis-cli -p "$PORT" set "k$i" "v$i"; done
redis-cli -p "$PORT" eval "return redis.call('get', 'k2') .. '!'" 0
redis-cli -p "$PORT" bgsave >/dev/null
sleep 1
redis-cli -p "$PORT" lastsave | grep -c .
redis-cli -p "$PORT" flushall async
redis-cli -p "$PORT" dbsize
redis-cli -p "$PORT" shutdown nosave
wait $server
echo "server ended with $?"
