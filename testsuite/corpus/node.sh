# node: its thread pool, worker threads, a child process.
. "$HERE/lib.sh"
need node
cp "$HERE/node.js" program.js
under node program.js
echo "status $?"
