# No limits: 10,000 threads alive, 100,000 in sequence, 1,000,000 locks, 1,000 held at once, stacks 200 deep. A tenth of that without --long.
. "$HERE/lib.sh"
program scale -fno-optimize-sibling-calls
export TWATCH_OPTIONS=races=off:stack_depth=250
if [ "$LONG" = 1 ]; then alive=10000 sequence=100000 locks=1000000; else alive=1000 sequence=10000 locks=200000; fi
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
