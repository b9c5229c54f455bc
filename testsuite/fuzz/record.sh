#!/bin/bash
# The record reader, model and checks on mutated records, with sanitizers. usage: record.sh [--long]
set -u
cd "$(dirname "$0")/../.." || exit 125
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
rounds=1500 seconds=20
[ "${1:-}" = --long ] && rounds=20000 seconds=600
flags=(-std=gnu11 -D_GNU_SOURCE= -g -O1 -DTWATCH_VERSION='"0.1.0"' -iquote preload/format -iquote analyzer -Ipreload/format -Ianalyzer -Itestsuite/lib)
sources=(analyzer/base/*.c analyzer/record/*.c analyzer/model/*.c analyzer/finding/{list,names,fingerprint}.c analyzer/check/*.c analyzer/role/*.c analyzer/symbol/own.c)
gcc "${flags[@]}" -o "$out/seeds" testsuite/fuzz/seeds.c testsuite/lib/mkrecord.c || exit 1
mkdir "$out/corpus" && "$out/seeds" "$out/corpus" || exit 1
for kept in testsuite/fuzz/corpus/*; do [ -e "$kept" ] && cp "$kept" "$out/corpus/"; done
gcc "${flags[@]}" -fsanitize=address,undefined -fno-sanitize-recover -DSTANDALONE -o "$out/fuzz" testsuite/fuzz/record.c "${sources[@]}" || exit 1
# A record of some 50 kB may not take more than 300 MB with the sanitizer's own share, nor hang.
ulimit -v unlimited
ASAN_OPTIONS=hard_rss_limit_mb=600:detect_leaks=1 timeout $((rounds / 10 + 120)) "$out/fuzz" "$rounds" "$out"/corpus/* || { echo "FAIL: mutated records"; exit 1; }
echo "mutated records: $rounds rounds each over $(ls "$out/corpus" | wc -l) seeds"
if clang-14 "${flags[@]}" -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o "$out/lf" testsuite/fuzz/record.c "${sources[@]}" 2>"$out/log"; then
    (cd "$out" && ./lf -max_total_time=$seconds -timeout=5 -rss_limit_mb=600 -max_len=300000 corpus >"$out/log" 2>&1) || { tail -n 30 "$out/log"; exit 1; }
    grep -E "^(Done|stat::)|DONE" "$out/log" | tail -n 1
fi
echo "1 passed, 0 failed"
