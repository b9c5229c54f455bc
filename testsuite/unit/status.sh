#!/bin/bash
# `twatch status`: what it shows of a running process, of one that ended, of a record, and what it says to wrong process ids. Needs a
# build (BUILD).
set -u
cd "$(dirname "$0")/../.." || exit 125
. testsuite/lib/expect.sh
twatch=$(realpath "${BUILD:-build}")/twatch
library=$(realpath "${BUILD:-build}")/libtwatch.so
out=$(mktemp -d)
child=
trap '[ -n "$child" ] && kill -9 "$child" 2>/dev/null; rm -rf "$out"' EXIT
unset TWATCH_OPTIONS LD_PRELOAD
cd "$out" || exit 125
# is FILTER: a jq expression over stdout that must be true
is() { if jq -e "$1" stdout >/dev/null 2>&1; then passed=$((passed + 1)); else echo "FAIL: not so: $1"; jq -c .threads stdout; failed=$((failed + 1)); fi; }

cat >scene.c <<'END'
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t table = PTHREAD_RWLOCK_INITIALIZER;
static int ready;
static void *holder(void *x) {
    pthread_setname_np(pthread_self(), "holder");
    pthread_mutex_lock(&first);
    pthread_rwlock_rdlock(&table);
    __atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
    char byte;
    while (read(0, &byte, 1) > 0) continue; /* until the script closes it */
    pthread_rwlock_unlock(&table);
    pthread_mutex_unlock(&first);
    return x;
}
static void *waiter(void *x) {
    pthread_setname_np(pthread_self(), "waiter");
    pthread_mutex_lock(&first);
    pthread_mutex_unlock(&first);
    return x;
}
static void *writer(void *x) {
    struct timespec until;
    pthread_setname_np(pthread_self(), "writer");
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 60;
    if (pthread_rwlock_timedwrlock(&table, &until) == 0) pthread_rwlock_unlock(&table);
    return x;
}
int main(void) {
    pthread_t t[3];
    pthread_create(&t[0], 0, holder, 0);
    while (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE)) usleep(1000);
    pthread_create(&t[1], 0, waiter, 0);
    pthread_create(&t[2], 0, writer, 0);
    for (int i = 0; i < 3; i++) pthread_join(t[i], 0);
    return 0;
}
END
gcc -g -pthread -o scene scene.c || exit 125

mkfifo input
mkdir records
TWATCH_OPTIONS=races=off:report=off:log_path=records/ LD_PRELOAD=$library ./scene <input &
child=$!
exec 9>input
for _ in $(seq 100); do # until all three wait
    "$twatch" status "$child" >stdout 2>stderr && grep -q "3 waiting" stdout && break
    sleep 0.1
done

expect "a running process" 0 "$twatch" status "$child"
matches stdout "^scene \(pid $child\), running for .*, 4 threads, 3 waiting"
matches stdout "holder +.*holds (first, table \(to read\)|table \(to read\), first)"
matches stdout "waiter +waits .*mutex first, held by T2"
matches stdout "writer +waits .*limit in .*rwlock table, held by T2"
matches stdout "T1 .*waits .*thread"
expect "with stacks" 0 "$twatch" status --stacks "$child"
matches stdout "waits at"
matches stdout "waiter \(scene.c:[0-9]+\)"
matches stdout "took first at"
expect "as JSON" 0 "$twatch" status --format=json --stacks "$child"
is ".pid == $child and .live and (.deadlock | not) and (.threads | length) == 4"
is '.threads | map(select(.name == "holder"))[0] | .state != "waiting" and (.holds | map(.object) | sort) == ["first", "table"]'
is '.threads | map(select(.name == "holder"))[0].holds | map(select(.object == "table"))[0] | .kind == "rwlock" and .mode == "shared"'
is '(.threads | map(select(.name == "holder"))[0].id) as $h | .threads | map(select(.name == "waiter"))[0]
    | .state == "waiting" and .waits.object == "first" and .waits.held_by == [$h] and (.waits.limited | not) and .holds == []'
is '.threads | map(select(.name == "writer"))[0].waits | .object == "table" and .mode == "exclusive" and .limited and .for_ns > 0'
is '.threads | map(select(.name == "waiter"))[0].waits.stack | map(.function) | index("waiter")'
expect "its record" 0 "$twatch" status records/scene.*.twatch
matches stdout "running for"
expect "an option that is none" 125 "$twatch" status --bogus "$child"
expect "two processes" 125 "$twatch" status "$child" 1

exec 9>&-
wait "$child"
ended=$child child=
expect "a process that has ended" 1 "$twatch" status "$ended"
matches stderr "there is none"
expect "the record of an ended process" 0 "$twatch" status --format=json records/scene.*.twatch
is "(.live | not) and .pid == $ended and all(.threads[]; .state != \"waiting\" and .holds == [])"
expect "a process that is not watched" 1 "$twatch" status $$
matches stderr "is not watched"
expect "no such file" 125 "$twatch" status nothing.twatch
expect "no record" 125 "$twatch" status scene.c
expect "nothing" 125 "$twatch" status
expect "help" 0 "$twatch" status --help

echo "$passed passed, $failed failed"
[ $failed = 0 ]
