#!/bin/bash
# The sampler's decoder beside Zydis, over all code of some programs. usage: race_insn.sh
set -u
cd "$(dirname "$0")/../.." || exit 125
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -std=gnu11 -D_GNU_SOURCE= -O2 -g -iquote preload/format -o "$work/insn" testsuite/unit/race_insn.c preload/race_insn.c -lZydis || exit 125
timeout 120 "$work/insn" "${BUILD:-build}/twatch" "${BUILD:-build}/libtwatch-race.so" /lib/x86_64-linux-gnu/libc.so.6 "$(command -v redis-server)" "$(command -v x264)"
