# `twatch status` on loaded servers says what gdb says. Without --long two rounds on memcached.
. "$HERE/lib.sh"
command -v gdb >/dev/null && command -v memcached >/dev/null || exit 0
export TWATCH_OPTIONS=races=off
pids=()
trap 'kill -9 "${pids[@]}" 2>/dev/null' EXIT

# compare PID ROUNDS
compare() { /usr/bin/python3 -I "$HERE/status_servers.py" "$BUILD/twatch" "$@" || die "status and gdb differ"; }

mkdir mc && cd mc
LD_PRELOAD=$BUILD/libtwatch.so memcached -u "$(id -un)" -t 4 -U 0 -l 127.0.0.1 -p 22122 2>err &
server=$!
pids+=($server)
cd ..
sleep 1
/usr/bin/python3 -I "$HERE/../corpus/mcclient.py" 22122 10000000 >/dev/null 2>&1 &
pids+=($!)
sleep 0.5
compare $server $((LONG ? 500 : 10))
kill -9 "${pids[@]}" 2>/dev/null
[ "$LONG" = 1 ] && command -v mariadb-install-db >/dev/null || exit 0

mariadb-install-db --no-defaults --datadir="$WORK/db" --user="$(id -un)" --auth-root-authentication-method=normal --skip-test-db >install.log 2>&1 || die "no database"
LD_PRELOAD=$BUILD/libtwatch.so /usr/sbin/mariadbd --no-defaults --datadir="$WORK/db" --socket="$WORK/s" --skip-networking --user="$(id -un)" \
    --innodb-buffer-pool-size=32M --innodb-use-native-aio=0 2>server.err &
server=$!
pids+=($server)
for _ in $(seq 300); do mariadb --no-defaults -uroot -S "$WORK/s" -e 'SELECT 1' >/dev/null 2>&1 && break; sleep 0.1; done
while mariadb-slap --no-defaults -uroot -S "$WORK/s" --concurrency=8 --number-of-queries=4000 --auto-generate-sql \
    --auto-generate-sql-load-type=mixed --engine=innodb; do :; done >/dev/null 2>&1 &
pids+=($!)
sleep 2
compare $server 500
