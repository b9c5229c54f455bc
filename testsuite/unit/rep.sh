#!/bin/sh
# Builds and runs the unit tests rep_*.c with the analyzer's objects. Run with BUILD in the environment; `rep.sh NAME...` runs only those.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
: "${BUILD:=build}"
case $BUILD in /*) ;; *) BUILD=$root/$BUILD ;; esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root" || exit 125
[ $# -gt 0 ] || set -- suppress baseline options golden hostile layout volume join symbol
passed=0 failed=0
for name; do
    # shellcheck disable=SC2046 # object files have no blanks in their names
    if ${CC:-cc} -std=gnu11 -Wall -Wextra -O1 -g -Ianalyzer -Ipreload -Ipreload/format -Itestsuite/lib -DTWATCH_VERSION='"0"' -o "$work/$name" \
        "testsuite/unit/rep_$name.c" testsuite/lib/mkrecord.c $(find "$BUILD/analyzer" -name '*.o' ! -path '*/analyzer/main.o') -ldw -lelf -lm &&
        timeout 120 "$work/$name" >"$work/out" 2>&1; then
        passed=$((passed + 1))
    else
        [ -e "$work/out" ] && tail -20 "$work/out"
        echo "FAIL rep_$name"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
