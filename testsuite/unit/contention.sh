#!/bin/bash
# Short contention is counted, though nobody slept for it: more contended acquisitions than the process left the processor of its own accord. Needs a
# build (BUILD) and two processors.
set -u
cd "$(dirname "$0")/../.." || exit 125
twatch=$(realpath "${BUILD:-build}")/twatch
library=$(realpath "${BUILD:-build}")/libtwatch.so
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
unset TWATCH_OPTIONS LD_PRELOAD
cd "$out" || exit 125
if [ "$(nproc)" -lt 2 ]; then echo "one processor: nothing to see"; exit 0; fi

cat >short.c <<'END'
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
static pthread_mutex_t counter = PTHREAD_MUTEX_INITIALIZER;
static volatile long total;
static pthread_barrier_t start;
static void *work(void *x) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(x ? 1 : 0, &one);
    sched_setaffinity(0, sizeof one, &one); /* where there is no such processor they run where they like */
    pthread_barrier_wait(&start);
    for (int i = 0; i < 2000000; i++) {
        pthread_mutex_lock(&counter);
        total++;
        pthread_mutex_unlock(&counter);
        for (volatile int k = 0; k < 50; k++) continue;
    }
    return x;
}
int main(void) {
    pthread_t t[2];
    pthread_barrier_init(&start, NULL, 2);
    for (int i = 0; i < 2; i++) pthread_create(&t[i], NULL, work, i ? &start : NULL);
    for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    printf("%ld %ld\n", total, use.ru_nvcsw);
    return 0;
}
END
cc -O1 -g -o short short.c -pthread || exit 125
for try in 1 2 3 4 5 6 7 8; do # the two may have come to run one after the other
    rm -f *.twatch
    slept=$(LD_PRELOAD=$library TWATCH_OPTIONS=races=off:report=off:log_path=./ timeout 60 ./short | cut -d' ' -f2)
    timeout 60 "$twatch" report --format=json --threads --queues --contention *.twatch >report.json
    contended=$(jq '[.runs[0].contention[] | select(.name == "counter") | .contended] | add // 0' report.json) || exit 1
    echo "$contended contended, slept ${slept:-?} times"
    [ "${contended:-0}" -gt $((${slept:-0} + 20)) ] && exit 0
done
exit 1
