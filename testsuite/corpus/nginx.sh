# nginx with two workers and a thread pool for its files.
. "$HERE/lib.sh"
need nginx
mkdir root
for i in 0 1 2 3 4; do head -c $((1000 * (1 + i) ** 3)) /dev/zero >root/f$i; done
cat >conf <<END
daemon off; worker_processes 2; pid $WORK/pid; error_log $WORK/error.log;
thread_pool files threads=4;
events { worker_connections 64; }
http { access_log off; client_body_temp_path $WORK/b; proxy_temp_path $WORK/p; fastcgi_temp_path $WORK/f; uwsgi_temp_path $WORK/u; scgi_temp_path $WORK/s;
  server { listen 127.0.0.1:$PORT; root $WORK/root; location / { aio threads=files; } } }
END
start /usr/sbin/nginx -p "$WORK" -c "$WORK/conf"
wait_port "$PORT" $server || { cat error.log >&2; exit 1; }
/usr/bin/python3 -I "$HERE/webclient.py" "$PORT" $((200 * SCALE)) || exit 1
kill -QUIT $server
wait $server
echo "server ended with $?"
