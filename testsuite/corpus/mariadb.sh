# mariadbd under a small read-write load.
. "$HERE/lib.sh"
need mariadbd mariadb-install-db mariadb-slap mariadb
template=$BUILD/corpus/mariadb-data
if [ ! -d "$template/mysql" ]; then
    mkdir -p "$template"
    mariadb-install-db --no-defaults --datadir="$template" --user=root --auth-root-authentication-method=normal --skip-test-db >install.log 2>&1 || { tail install.log >&2; exit 1; }
fi
cp -r "$template" data
start /usr/sbin/mariadbd --no-defaults --datadir="$WORK/data" --socket="$WORK/s" --pid-file="$WORK/pid" --skip-networking --user=root \
    --innodb-buffer-pool-size=32M --innodb-use-native-aio=0 --thread-handling=pool-of-threads >server.log 2>&1
sql() { mariadb --no-defaults -uroot -S "$WORK/s" "$@"; }
for _ in $(seq 600); do sql -e 'SELECT 1' >/dev/null 2>&1 && break; kill -0 $server 2>/dev/null || { tail server.log >&2; exit 1; }; sleep 0.1; done
sql -e 'CREATE DATABASE shop; CREATE TABLE shop.t(id INT AUTO_INCREMENT PRIMARY KEY, n INT) ENGINE=InnoDB'
mariadb-slap --no-defaults -uroot -S "$WORK/s" --create-schema=slap --concurrency=8 --iterations=1 --number-of-queries=$((800 * SCALE)) \
    --auto-generate-sql --auto-generate-sql-load-type=mixed --engine=innodb >/dev/null || exit 1
for i in 1 2 3 4; do
    for _ in $(seq 50); do echo "INSERT INTO t(n) VALUES($i); UPDATE t SET n = n + 1 WHERE id % 7 = $i;"; done | sql shop &
    loads="${loads:-} $!"
done
wait $loads
sql shop -N -e 'SELECT count(*) FROM t; CHECK TABLE t'
sql -e 'SHUTDOWN'
wait $server
echo "server ended with $?"
