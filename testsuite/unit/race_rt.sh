#!/bin/bash
# The race engine's runtime by itself: clocks, shadow, slots that run out. usage: race_rt.sh
set -u
cd "$(dirname "$0")/../.." || exit 125
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags="-std=gnu11 -D_GNU_SOURCE= -O2 -g -Ipreload/format -iquote preload/race"
objects=
for f in preload/race/*.c preload/race/x86/*.c preload/race/x86/*.S; do
    regs=
    [ "$(dirname "$f")" = preload/race ] && regs="-mgeneral-regs-only -fno-tree-loop-distribute-patterns"
    # shellcheck disable=SC2086
    cc $flags $regs -c -o "$work/$(echo "$f" | tr / _).o" "$f" || exit 125
    objects="$objects $work/$(echo "$f" | tr / _).o"
done
# shellcheck disable=SC2086
cc $flags -o "$work/clocks" testsuite/unit/race_rt_clocks.c $objects -lZydis -lpthread || exit 125
timeout 120 "$work/clocks"
status=$?
[ $status = 77 ] && { echo "no address space for shadow memory here: skipped"; exit 0; }
exit $status
