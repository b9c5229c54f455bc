#!/bin/bash
# Builds and runs the analyzer's unit programs (ana_*.c), each with both compilers and once more with sanitizers where that does not blur a measurement.
set -u
cd "$(dirname "$0")/../.." || exit 125
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
passed=0 failed=0
flags=(-std=gnu11 -D_GNU_SOURCE= -Wall -Wextra -Wshadow -Wconversion -Werror -g -DTWATCH_VERSION='"0.1.0"' -iquote preload/format -iquote analyzer -iquote preload -Itestsuite/lib -Ipreload/format -Ianalyzer)
sources=(testsuite/lib/mkrecord.c analyzer/base/*.c analyzer/record/*.c analyzer/model/*.c analyzer/finding/{list,names,fingerprint}.c analyzer/check/*.c)
# Twice as fast to build the common part once per variant.
variant() {
    local name=$1
    shift
    mkdir -p "$out/$name"
    (cd "$out/$name" && for s in "${sources[@]}"; do echo "$s"; done) | xargs -P 2 -I{} sh -c '"$@" -c -o "'"$out/$name"'/$(echo {} | tr / _).o" {}' sh "$@" "${flags[@]}" || exit 125
    for unit in testsuite/unit/ana_*.c; do
        "$@" "${flags[@]}" -o "$out/unit" "$unit" "$out/$name"/*.o || { failed=$((failed + 1)); continue; }
        if timeout 120 "$out/unit" "$name" >"$out/log" 2>&1; then
            passed=$((passed + $(grep -c '^ok ' "$out/log")))
        else
            echo "$unit ($name):"; grep -v '^ok ' "$out/log" | tail -n 20
            failed=$((failed + 1))
        fi
    done
}
variant gcc gcc -O2
variant clang clang-14 -O2
variant sanitized gcc -O1 -fsanitize=address,undefined -fno-sanitize-recover -Wno-error=format-truncation -Wno-error=maybe-uninitialized
echo "$passed passed, $failed failed"
[ $failed = 0 ]
