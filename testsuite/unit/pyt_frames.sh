#!/bin/sh
# Python frames as preload/python.c reads them, against what Python itself says. Usage: pyt_frames.sh [python...] (default: the system's).
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
${CC:-cc} -std=gnu11 -D_GNU_SOURCE -O1 -g -fPIC -shared -ftls-model=initial-exec -I"$root/preload" -I"$root/preload/format" -o "$work/frames.so" \
    "$root"/testsuite/unit/pyt_frames.c "$root"/preload/python*.c "$root"/preload/sys.c -lunwind -ldl
[ $# -gt 0 ] || set -- /usr/bin/python3
for python; do
    LD_PRELOAD="$work/frames.so" timeout 60 "$python" -S "$root/testsuite/unit/pyt_frames.py" 2>"$work/err" >"$work/out" || {
        tail -5 "$work/err"
        echo "FAIL $python: ended with $?"
        exit 1
    }
    # A WANT line is followed by the STACK line of the same thread's next lock call.
    awk -v python="$python" '
        /^WANT/ { want[$2] = $3; next }
        /^STACK/ && want[$2] != "" {
            n++
            if ($3 != want[$2]) { bad++; if (bad < 5) print "want " want[$2] "\n got " $3 " (" $4 ")" }
            want[$2] = ""
        }
        END {
            print (bad ? "FAIL " : "pass ") python ": " n - bad " of " n " stacks"
            exit bad || n < 60
        }' "$work/err"
done
