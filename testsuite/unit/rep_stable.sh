#!/bin/bash
# Fingerprints and baselines over what a project goes through: rebuilds with other flags and compilers, moved lines, another directory, more threads, another
# order of the run. The same finding keeps its fingerprint, a known one does not fail, a new one does, one that is gone is named.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
: "${BUILD:=build}"
case $BUILD in /*) ;; *) BUILD=$root/$BUILD ;; esac
twatch=$BUILD/twatch
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 125
unset TWATCH_OPTIONS LD_PRELOAD
passed=0 failed=0
ok() {
    local what=$1
    shift
    if "$@"; then passed=$((passed + 1)); else echo "FAIL $what"; tail -5 err; failed=$((failed + 1)); fi
}

# THREADS: how many of each; TURNED: the other thread first; LINES: empty lines that push everything down.
source_of() {
    for _ in $(seq "$3"); do echo; done
    cat <<END
#include <pthread.h>
#include <unistd.h>
static pthread_mutex_t checking = PTHREAD_MUTEX_INITIALIZER, savings = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER, in = PTHREAD_MUTEX_INITIALIZER, out = PTHREAD_MUTEX_INITIALIZER; /* a lock for each side protects nothing */
int balance;
__attribute__((noinline)) static void take(pthread_mutex_t *first, pthread_mutex_t *second) {
    pthread_mutex_lock(first);
    pthread_mutex_lock(second);
    pthread_mutex_unlock(second);
    pthread_mutex_unlock(first);
}
static void *deposit(void *x) { take(&checking, &savings); pthread_mutex_lock(&in); balance += 5; pthread_mutex_unlock(&in); return x; }
static void *withdraw(void *x) { usleep(50000); take(&savings, &checking); pthread_mutex_lock(&out); balance -= 5; pthread_mutex_unlock(&out); return x; }
static void *leaver(void *x) { pthread_mutex_lock(&log_lock); return x; }
int main(void) {
    pthread_t t[40];
    int n = 0;
    for (int i = 0; i < $1; i++) {
        pthread_create(&t[n++], 0, $2 ? withdraw : deposit, 0);
        pthread_create(&t[n++], 0, $2 ? deposit : withdraw, 0);
    }
    while (n) pthread_join(t[--n], 0);
    pthread_create(&t[0], 0, leaver, 0);
    pthread_join(t[0], 0);
    return 0;
}
END
}
prints() { "$twatch" run --format=json --output=r.json -- "$@" >/dev/null 2>err; jq -r '.findings[] | .kind + " " + .fingerprint' r.json | sort -u; }

mkdir -p a other/place
source_of 1 0 0 >a/bank.c
source_of 1 0 37 >other/place/bank.c
gcc -g -pthread -o a/bank a/bank.c || exit 125
want=$(prints a/bank)
ok "three kinds of finding: $want" [ "$(echo "$want" | cut -d' ' -f1 | sort -u | tr '\n' ' ')" = "data-race lock-held-at-thread-exit lock-order-cycle " ]
same() { # what, then a command: the same fingerprints
    local what=$1 got
    shift
    got=$(prints "$@")
    ok "$what: $(diff <(echo "$want") <(echo "$got") | grep '^[<>]' | tr '\n' ' ')" [ "$got" = "$want" ]
}
same "the same again" a/bank
gcc -O2 -g -pthread -o a/bank2 a/bank.c && same "optimised" a/bank2
gcc -g -no-pie -pthread -o a/bank3 a/bank.c && same "at a fixed address" a/bank3
command -v clang >/dev/null && clang -O1 -g -pthread -o a/bank4 a/bank.c && same "another compiler" a/bank4
gcc -g -pthread -o other/place/bank other/place/bank.c && same "moved lines, another directory" other/place/bank
source_of 4 0 3 >a/many.c && mkdir b && mv a/many.c b/bank.c && gcc -g -pthread -o b/bank b/bank.c && same "more threads" b/bank
source_of 1 1 0 >b/bank.c && gcc -g -pthread -o b/turned b/bank.c && same "the threads in the other order" b/turned

# A baseline from one build holds for the others.
"$twatch" run --log-path=records/ --keep -- a/bank >/dev/null 2>err
"$twatch" report --write-baseline=base records/ >/dev/null 2>err
for program in a/bank2 other/place/bank b/bank b/turned; do
    timeout 60 "$twatch" run --baseline=base -- $program >/dev/null 2>err
    status=$?
    ok "known findings of $program do not fail: $status" [ $status = 0 ]
done
ok "and are counted" grep -q ' known from the baseline' err
# One is mended, one is new.
sed 's/pthread_mutex_lock(&log_lock); return x;/return x;/; s/return 0;$/pthread_mutex_unlock(\&log_lock); return 0;/' a/bank.c >b/bank.c
gcc -g -pthread -o b/changed b/bank.c
timeout 60 "$twatch" run --baseline=base --format=text --output=r.txt --format=json --output=r.json -- b/changed >/dev/null 2>err
status=$?
ok "a new finding fails: $status" [ $status = 66 ]
ok "it alone is new" [ "$(jq -r '[.findings[] | select(.baseline == "new") | .kind] | join(" ")' r.json)" = unlock-not-held ]
ok "what is gone is named" grep -q 'fixed: lock-held-at-thread-exit' r.txt
ok "in JSON too" jq -e '.fixed | length == 1' r.json >/dev/null
echo "$passed passed, $failed failed"
[ $failed = 0 ]
