# A circle of 2,000 threads is explained within two seconds (500 without --long: within four, for the machine may be busy), and a report is also
# made by a process that has no memory and no descriptors left.
. "$HERE/lib.sh"
program bighang
threads=$([ "$LONG" = 1 ] && echo 2000 || echo 500)
limit=$([ "$LONG" = 1 ] && echo 2 || echo 4)
TWATCH_OPTIONS=races=off "$BUILD/twatch" run --timeout=100 --format=json --output=report.json -- "$BUILD/harm/bighang" "$threads" >began 2>err
status=$?
took=$(date +%s.%N | awk -v began="$(cat began)" '{print $1 - began}')
[ $status = 66 ] || die "status $status instead of 66: $(head -n 3 err)"
jq -e --argjson n "$threads" '[.findings[] | select(.kind == "deadlock")][0].steps | length >= $n' report.json >/dev/null ||
    die "the circle is not explained: $(jq -c '[.findings[] | [.kind, (.steps | length)]]' report.json)"
echo "$threads threads: explained after $took s"
awk -v took="$took" -v limit="$limit" 'BEGIN {exit took < limit ? 0 : 1}' || die "explained only after $took s"

rm -f ./*.twatch*
(
    ulimit -n 64
    TWATCH_OPTIONS=races=off:on_deadlock=exit LD_PRELOAD=$BUILD/libtwatch.so timeout 20 "$BUILD/harm/bighang" 5 exhausted >began 2>err
)
status=$?
[ $status = 66 ] || die "exhausted: status $status instead of 66: $(tail -n 3 err)"
grep -q 'wait for ever' err && grep -q 'waits for mutex .*, held by T1' err || die "exhausted: not said: $(cat err)"
readable 1
jq -e '[.findings[] | select(.kind == "deadlock")] | length == 1' report.json >/dev/null || die "exhausted: $(jq -c '[.findings[].kind]' report.json)"
