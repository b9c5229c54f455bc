#!/bin/bash
# The instrumentation by itself, with hooks that count: unit tests, generated programs, and programs of the system with every
# dead byte of original code filled with int3. usage: race_x86.sh [--long]
set -u
cd "$(dirname "$0")/../.." || exit 125
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
count() { # NAME STATUS
    if [ "$2" = 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $1"
    fi
}

flags="-std=gnu11 -O2 -g -fPIC -shared -mgeneral-regs-only -ftls-model=initial-exec"
engine="preload/race/x86/*.c preload/race/x86/*.S"
# shellcheck disable=SC2086
cc $flags -fvisibility=hidden -o "$work/counting.so" testsuite/unit/race_x86_counting.c $engine -lZydis || exit 125
# shellcheck disable=SC2086
cc $flags -DHOOKS -o "$work/units.so" testsuite/unit/race_x86_units.c $engine -lZydis || exit 125
cc -std=gnu11 -O2 -g -o "$work/units" testsuite/unit/race_x86_units.c "$work/units.so" -Wl,-rpath,"$work" || exit 125

cc -std=gnu11 -O2 -g -o "$work/decode" testsuite/unit/race_x86_decode.c preload/race/x86/image.c -lZydis || exit 125
timeout 120 "$work/decode" "$(gcc -print-prog-name=cc1)" "$(gcc -print-file-name=libc.so.6)" "$(gcc -print-file-name=libstdc++.so.6)"
count 'decoded anew' $?
timeout 120 "$work/units"
count units $?
timeout 600 /usr/bin/python3 testsuite/unit/race_x86_fuzz.py "$work/counting.so" "$([ "${1:-}" = --long ] && echo 1000 || echo 25)" "$(date +%j)000"
count generated $?

# program NAME DSO COMMAND...: same output, same exit status, in both modes.
program() {
    local name=$1 dso=$2 mode status want
    shift 2
    command -v "$1" >"$work/where" || return 0
    timeout 60 "$@" <"$work/input" >"$work/native" 2>/dev/null
    want=$?
    for mode in trampolines checks; do
        RACE_X86_MODE=$mode RACE_X86_SELFTEST=1 RACE_X86_DSO=$dso LD_PRELOAD=$work/counting.so \
            timeout 300 "$@" <"$work/input" >"$work/got" 2>"$work/errors"
        status=$?
        cmp -s "$work/native" "$work/got" && [ $status = $want ] && ! grep -q 'bad arguments' "$work/errors"
        count "$name, $mode" $?
    done
}

head -c 1500000 "$(command -v cc1 || gcc -print-prog-name=cc1)" >"$work/input"
xz -1 -c "$work/input" >"$work/input.xz"
zstd -qc "$work/input" >"$work/input.zst"
gzip -c "$work/input" >"$work/input.gz"
for compiler in g++ clang++; do
    command -v $compiler >"$work/where" || continue
    for flags in -O0 -O1 -O2 -O3 -Os "-O2 -no-pie -fno-pie" "-O2 -static-libstdc++ -static-libgcc"; do
        # shellcheck disable=SC2086
        $compiler -w $flags -o "$work/flow" testsuite/unit/race_x86_flow.cpp -lpthread && program "flow $compiler $flags" '' "$work/flow"
    done
done
program pigz libz pigz -p2 -c "$work/input"
program unpigz libz pigz -dc "$work/input.gz"
program pbzip2 libbz2 pbzip2 -p2 -c "$work/input"
program xz liblzma xz -T2 -2 -c "$work/input"
program unxz liblzma xz -dc "$work/input.xz"
program zstd libzstd,liblz4 zstd -T2 -5 -c "$work/input"
program unzstd libzstd zstd -dc "$work/input.zst"
program redis-server libjemalloc,liblua redis-server --version
program memcached '' memcached -h
program sqlite3 libsqlite3 sqlite3 :memory: "create table a(x,y); with recursive c(n) as (select 1 union all select n+1 from c where n<20000)
 insert into a select n, n*n%97 from c; select y,count(*),sum(x) from a group by y order by 2 desc limit 5; create index i on a(y);
 select sum(x) from a where y=3; select printf('%.3f',avg(x)), group_concat(distinct y) from a;"
program python3 libz,libssl,libcrypto,_json /usr/bin/python3 -c 'import json, re, hashlib, threading, decimal
print(json.dumps({str(i): i * i for i in range(100)}), re.sub("a+", "b", "aaacaaa"), hashlib.sha256(b"x").hexdigest())
f = lambda n: n if n < 2 else f(n - 1) + f(n - 2)
t = [threading.Thread(target=f, args=(12,)) for _ in range(4)]
[x.start() for x in t]; [x.join() for x in t]
try:
    print(f(15), decimal.Decimal(2).sqrt(), 1 / 0)
except Exception as e:
    print(repr(e))'
program nginx '' nginx -V
program mariadbd '' mariadbd --version
program ffmpeg libx264,libav,libsw ffmpeg -v error -f lavfi -i testsrc=d=0.4:s=160x120 -f framemd5 -
program x264 libx264 x264 --quiet --no-progress --fps 25 --input-res 176x144 --demuxer raw --frames 4 --threads 2 -o /dev/null "$work/input"
program bash '' bash -c 'for i in 1 2 3; do echo $((i * i)); done; x=$(echo hi | tr a-z A-Z); echo $x; printf "%s\n" {a..z} | sort -r | head -3'
program perl libperl perl -e 'my %h; $h{$_ % 7} += $_ for 1..10000; print join(",", map {"$_=$h{$_}"} sort keys %h), "\n"; eval { die "x\n" }; print $@;'
program jq libjq,libonig jq -n '[range(100)|{a:.,b:(.*.)}]|map(select(.b%3==0))|length'
echo "$passed passed, $failed failed"
[ $failed = 0 ]
