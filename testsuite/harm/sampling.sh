# races=sample where watchpoints are refused, and in programs that close all descriptors: nothing changes, and nothing ends silently.
. "$HERE/lib.sh"
program sampled
bin=$BUILD/harm/sampled
export TWATCH_OPTIONS=races=sample

# watched ARGUMENTS...: under the library; its lines on stderr are in err
watched() {
    timeout 100 env LD_PRELOAD="$BUILD/libtwatch.so" "$bin" "$@" >out 2>err || die "$*: status $?; $(tail -n 2 err)"
    [ "$(cat out)" = done ] || die "$*: other output"
}

# refused NAME ERRNO REASON: one line, races are off, the rest is as ever
refused() {
    rm -f ./*.twatch*
    timeout 100 "$bin" refuse "$2" env LD_PRELOAD="$BUILD/libtwatch.so" TWATCH_OPTIONS=races=sample "$bin" work 100 >out 2>err || die "$1: status $?; $(cat err)"
    [ "$(cat out)" = done ] || die "$1: other output"
    [ "$(grep -c '^twatch: races are off: races=sample: ' err)" = 1 ] || die "$1: not said once: $(cat err)"
    grep -q "$3" err || die "$1: said without the reason: $(cat err)"
    readable
}
# EACCES is what kernel.perf_event_paranoid says, EPERM the filter of a container.
refused EACCES 13 "the kernel refuses perf_event_open"
refused EPERM 1 "the kernel refuses perf_event_open"
refused ENOSYS 38 "there are no hardware watchpoints here"
refused EINVAL 22 "the kernel opens no watchpoint that signals"

rm -f ./*.twatch*
watched work 100
if grep -q 'races are off' err; then
    echo "no watchpoints here: $(cat err)" >&2 # the rest needs them
    exit 0
fi
for how in close closefrom close_range; do
    watched $how
    grep -q 'watched yes, then yes, then yes' err || die "$how: $(cat err)"
done
watched raw
grep -q 'watched yes, then [a-z]*, then yes' err || die "raw: not opened anew: $(cat err)"
watched often
grep -q 'races=sample: sampling ends here' err || die "often: not said: $(cat err)"
watched late
grep -q 'races=sample: sampling ended before the program did' err || die "late: not said: $(cat err)"
readable 5
