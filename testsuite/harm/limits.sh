# RLIMIT_FSIZE, RLIMIT_AS, RLIMIT_NPROC; a full disk.
. "$HERE/lib.sh"
program odd
mkdir cache && export XDG_CACHE_HOME=$WORK/cache # nothing in it: what is written there is under the limits too
for mode in fsize fsize_after as nproc; do
    both "$BUILD/harm/odd" $mode
done
readable 0
if [ "$(id -u)" = 0 ] && mkdir full && mount -t tmpfs -o size=16k none full 2>/dev/null; then
    trap 'umount "$WORK/full"' EXIT
    cd full || exit 1
    LD_PRELOAD=$BUILD/libtwatch.so timeout 60 "$BUILD/harm/odd" chdir >/tmp/out.$$ 2>/tmp/err.$$
    status=$?
    out=$(cat /tmp/out.$$) err=$(cat /tmp/err.$$)
    rm -f /tmp/out.$$ /tmp/err.$$
    cd "$WORK" || exit 1
    [ $status = 0 ] && [ "$out" = "chdir: 800 rounds" ] || die "full disk: status $status, $out $err"
fi
