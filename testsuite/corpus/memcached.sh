# memcached with four threads under a loopback client.
. "$HERE/lib.sh"
need memcached
start memcached -l 127.0.0.1 -p "$PORT" -U 0 -t 4 -u nobody -m 64
wait_port "$PORT" $server || exit 1
/usr/bin/python3 -I "$HERE/mcclient.py" "$PORT" $((1500 * SCALE)) || exit 1
kill -TERM $server
wait $server
echo "server ended with $?"
