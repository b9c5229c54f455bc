# vfork, raw clone, exec chains, daemons, dropped privileges, backtrace, a storm of signals.
. "$HERE/lib.sh"
program odd
for mode in vfork clone exec backtrace setuid signals; do
    both "$BUILD/harm/odd" $mode
done
mkdir away && cd away || exit 1
LD_PRELOAD=$BUILD/libtwatch.so "$BUILD/harm/odd" daemon >out 2>err || die "daemon: status $?"
for _ in $(seq 100); do [ -s out ] && break; sleep 0.1; done
[ "$(cat out)" = "daemon: 600 rounds" ] || die "daemon: $(cat out err)"
sleep 0.5
cd ..
readable 4
