#!/bin/bash
# Generated C programs under the library with races on: same output as by themselves, with int3 in dead code too, and no finding.
# usage: programs.sh [--long]; BUILD says where the library is.
set -u
cd "$(dirname "$0")/../.." || exit 125
build=$(realpath "${BUILD:-build}")
count=20
[ "${1:-}" = --long ] && count=1000
# Another thousand each day; a failure names its seed.
/usr/bin/python3 testsuite/unit/race_x86_fuzz.py "$build/libtwatch.so" $count "$(date +%j)5000" || { echo "0 passed, 1 failed"; exit 1; }
echo "1 passed, 0 failed"
