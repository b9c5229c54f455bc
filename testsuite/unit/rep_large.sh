#!/bin/bash
# The whole way from records to reports at the sizes that CI meets: 10,000 findings in each format within 5 s and 500 MB, a thousand records merged
# within 10 s, both in processor time, so that other work on the machine does not count. --long: the large reports before somebody else's eyes too.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
: "${BUILD:=build}"
case $BUILD in /*) ;; *) BUILD=$root/$BUILD ;; esac
long=${1:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root" || exit 125
passed=0 failed=0
fail() { echo "FAIL $*"; failed=$((failed + 1)); }

# limited SECONDS MEGABYTES NAME COMMAND...: its processor time and memory; exit status 0 or 66.
limited() {
    timeout 120 /usr/bin/python3 - "$@" <<'P'
import os, resource, subprocess, sys
seconds, megabytes, name, command = float(sys.argv[1]), float(sys.argv[2]), sys.argv[3], sys.argv[4:]
status = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "TWATCH_OPTIONS": ""}).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
time, memory = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
print("%-8s %5.2f s %5.0f MB" % (name, time, memory))
sys.exit(0 if status in (0, 66) and time < seconds and memory < megabytes else 1)
P
    if [ $? = 0 ]; then passed=$((passed + 1)); else fail "$3: too slow, too large, or not a report"; fi
}

${CC:-cc} -std=gnu11 -O1 -Ipreload/format -Itestsuite/lib -o "$work/large" testsuite/unit/rep_large.c testsuite/lib/mkrecord.c &&
    mkdir "$work/records" && "$work/large" findings "$work/large.twatch" "$BUILD/twatch" && "$work/large" records "$work/records" 1000 || exit 1

for format in text json sarif junit html github dot; do
    limited 5 500 $format "$BUILD/twatch" report --format=$format --output="$work/large.$format" "$work/large.twatch"
done
if timeout 120 /usr/bin/python3 testsuite/unit/rep_validate.py trace "$work/large"; then passed=$((passed + 1)); else fail "not every finding is in every format"; fi
limited 10 500 merge "$BUILD/twatch" merge --output="$work/all.twatch" "$work/records"
limited 10 500 report "$BUILD/twatch" report --format=json --output="$work/all.json" "$work/records"

n=$(jq '.findings | length' "$work/large.json")
if [ "${n:-0}" -ge 9900 ]; then passed=$((passed + 1)); else fail "the large report has $n findings"; fi
# What code scanning refuses: more than 10 MB compressed.
if [ "$(gzip -c "$work/large.sarif" | wc -c)" -lt 10000000 ]; then passed=$((passed + 1)); else fail "the SARIF file is too large"; fi
# The order of two locks in one of the thousand and its reverse in another: found in the merged record as in the directory.
for what in "$work/all.twatch" "$work/records"; do
    drawn=$("$BUILD/twatch" report --format=dot "$what" 2>/dev/null | sed -n '/all runs, by lock class/,/^ }/p' | grep -c -- '->.*color=red')
    if [ "$drawn" -ge 2 ]; then passed=$((passed + 1)); else fail "$what: the circle is not drawn"; fi
    kinds=$("$BUILD/twatch" report --format=json "$what" 2>/dev/null | jq -r '.findings[] | .kind + " " + .confidence')
    if [ "$kinds" = "lock-order-cycle possible" ]; then passed=$((passed + 1)); else fail "$what: $kinds"; fi
done
# A bar on a terminal, and nothing of it left.
if timeout 300 /usr/bin/python3 -I testsuite/unit/rep_progress.py "$BUILD/twatch" "$work/records"; then passed=$((passed + 1)); else fail "progress"; fi
# Merged in two halves and then together: the same finding.
mkdir "$work/a" "$work/b"
mv "$work"/records/app.1*[02468].twatch "$work/a/" && mv "$work"/records/*.twatch "$work/b/"
"$BUILD/twatch" merge --output="$work/a.twatch" "$work/a" && "$BUILD/twatch" merge --output="$work/b.twatch" "$work/b" &&
    "$BUILD/twatch" merge --output="$work/ab.twatch" "$work/b.twatch" "$work/a.twatch"
first=$("$BUILD/twatch" report --format=json "$work/all.twatch" | jq -r '.findings[].fingerprint')
second=$("$BUILD/twatch" report --format=json "$work/ab.twatch" | jq -r '.findings[].fingerprint')
if [ -n "$first" ] && [ "$first" = "$second" ]; then passed=$((passed + 1)); else fail "merged in halves: $second instead of $first"; fi

if [ "$long" = --long ]; then
    for format in sarif json junit github html; do
        if timeout 900 /usr/bin/python3 testsuite/unit/rep_validate.py $format "$work/large.$format"; then passed=$((passed + 1)); else fail "large.$format is not valid"; fi
    done
    if timeout 120 xmllint --huge --noout --schema testsuite/schemas/jenkins-junit.xsd "$work/large.junit" 2>"$work/said"; then
        passed=$((passed + 1))
    else
        fail "large.junit: $(head -3 "$work/said")"
    fi
fi
# The page opens, and every filter answers within a blink.
if command -v chromium >/dev/null; then
    if timeout 300 testsuite/unit/rep_browser.py --large "$work/large.html"; then passed=$((passed + 1)); else fail "large.html in the browser"; fi
fi
echo "$passed passed, $failed failed"
[ $failed = 0 ]
