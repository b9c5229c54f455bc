# No limits: 10,000 threads alive, 100,000 in sequence, 1,000,000 locks, 1,000 held at once, stacks 200 deep, a server that makes locks for each of
# 20,000,000 requests in a record that does not grow with them. A tenth of that without --long.
. "$HERE/lib.sh"
program scale -fno-optimize-sibling-calls
export TWATCH_OPTIONS=races=off:stack_depth=250
if [ "$LONG" = 1 ]; then alive=10000 sequence=100000 locks=1000000 requests=20000000; else alive=1000 sequence=10000 locks=200000 requests=400000; fi
both "$BUILD/harm/scale" alive $alive
both "$BUILD/harm/scale" sequence $sequence
both "$BUILD/harm/scale" locks $locks
both "$BUILD/harm/scale" held 1000
readable 4
rm -f ./*.twatch*
both "$BUILD/harm/scale" deep
readable 1
jq -e '[.findings[] | select(.kind == "lock-order-cycle") | .steps[].stack | length] | min >= 200' report.json >/dev/null ||
    die "stacks of 200 frames were not kept: $(jq -c '[.findings[].steps[].stack | length]' report.json)"
rm -f ./*.twatch*
for mode in day nested; do
    both "$BUILD/harm/scale" $mode $requests
    readable 1
    [ "$(stat -c %s ./*.twatch)" -lt 12000000 ] || die "$mode: the record of $requests requests has $(stat -c %s ./*.twatch) bytes"
    jq -e '.runs[0].losses | length == 0' report.json >/dev/null || die "$mode: losses: $(jq -c .runs[0].losses report.json)"
    rm -f ./*.twatch*
done
