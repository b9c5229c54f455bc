# Short contended runs without a false word: 10,000 with --long, else 200.
. "$HERE/lib.sh"
program falsehang
export TWATCH_OPTIONS=races=off:on_deadlock=abort
runs=$([ "$LONG" = 1 ] && echo 10000 || echo 200)
for i in $(seq "$runs"); do
    LD_PRELOAD=$BUILD/libtwatch.so timeout 60 "$BUILD/harm/falsehang" "$i" 2>err || die "run $i: status $?: $(head -n 5 err)"
    [ ! -s err ] || die "run $i: $(head -n 5 err)"
    rm -f ./*.twatch ./*.twatch.txt
done
