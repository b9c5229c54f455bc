#!/bin/bash
# A stored record gives exactly the stored reports, through the program itself. TWATCH_GOLDEN=write makes record and reports anew, TWATCH_GOLDEN=reports the reports alone.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
: "${BUILD:=build}"
case $BUILD in /*) ;; *) BUILD=$root/$BUILD ;; esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
record=$root/testsuite/records/bank.twatch
passed=0 failed=0
if [ "${TWATCH_GOLDEN:-}" = write ]; then
    ${CC:-cc} -std=gnu11 -I"$root/preload/format" -I"$root/testsuite/lib" -o "$work/make" "$root/testsuite/unit/rep_stored.c" "$root/testsuite/lib/mkrecord.c" &&
        "$work/make" "$record" && chmod 644 "$record" || exit 1
fi
# Drawings are laid out without Graphviz, whose versions differ: a library that cannot be loaded stands before it.
mkdir "$work/none" && echo nothing >"$work/none/libgvc.so.6"
# In the root directory no path is shortened, and the reports do not depend on where the tree lies; the version stands apart.
report() {
    (cd / && env -u TWATCH_OPTIONS COLUMNS=100 LD_LIBRARY_PATH="$work/none" timeout 60 "$BUILD/twatch" report "$@" "$record" 2>&1) |
        sed "s#$root/##g; s#\"twatch\": {\"version\": \"[0-9.]*\"#\"twatch\": {\"version\": \"0\"#; s#\"semanticVersion\": \"[0-9.]*\"#\"semanticVersion\": \"0.0.0\"#; s#<p class=\"dim\">twatch [0-9.]*</p>#<p class=\"dim\">twatch 0</p>#"
}
compare() { # name, then the options
    local name=$1 want
    shift
    want=$root/testsuite/golden/stored.$name
    report "$@" >"$work/got"
    if [ "${TWATCH_GOLDEN:-}" ]; then cp "$work/got" "$want"; fi
    if cmp -s "$work/got" "$want"; then
        passed=$((passed + 1))
    else
        diff "$want" "$work/got" | head -10
        echo "FAIL stored.$name"
        failed=$((failed + 1))
    fi
}
for format in text json sarif junit html github dot; do compare $format --format=$format; done
compare threads --format=text --threads --contention
compare queues --format=text --queues
compare verbose --format=text --verbose
echo "$passed passed, $failed failed"
[ $failed = 0 ]
