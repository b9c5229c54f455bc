#!/bin/bash
# An interpreter of a version that is not known: stacks are native ones, and the report says why. A program that only carries CPython's names stands
# for it. Needs a build (BUILD).
set -u
cd "$(dirname "$0")/../.." || exit 125
build=$(realpath "${BUILD:-build}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset TWATCH_OPTIONS LD_PRELOAD
cd "$work" || exit 125
cat >foreign.c <<'END'
#include <pthread.h>
#include <stdlib.h>
unsigned long Py_Version = VERSION;
char _PyRuntime[1 << 18];
char PyCode_Type[8], PyUnicode_Type[8];
void Py_InitializeEx(int signals) { (void)signals; }
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *keep(void *arg) {
    pthread_mutex_lock(&lock);
    return arg;
}
void *_PyEval_EvalFrameDefault(void *arg) { return keep(arg); }
int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, _PyEval_EvalFrameDefault, NULL);
    pthread_join(t, NULL);
    return EXIT_SUCCESS;
}
END
passed=0 failed=0
# says NAME yes|no PATTERN
says() {
    local there=no
    grep -q -- "$3" report && there=yes
    if [ $there = "$2" ]; then passed=$((passed + 1)); else
        echo "FAIL $1: \"$3\" is not: $2"; head -n 20 report; failed=$((failed + 1)); fi
}
# 3.15, 4.0, a candidate of 3.12
for version in 0x030f00f0 0x040001f0 0x030c00c1; do
    ${CC:-cc} -g -rdynamic -pthread -DVERSION=$version -o foreign foreign.c || exit 1
    TWATCH_OPTIONS=races=off timeout 30 "$build/twatch" run -- ./foreign 2>report
    [ $? = 66 ] && passed=$((passed + 1)) || { echo "FAIL $version: status"; failed=$((failed + 1)); }
    says $version yes "lock-held-at-thread-exit"
    says $version yes "keep (.*foreign.c:9)"
    says $version yes "Python of a version that is not known"
done
TWATCH_OPTIONS=races=off timeout 30 "$build/twatch" run -- /usr/bin/python3 -c 'import threading; threading.Thread(target=threading.Lock().acquire).start()' 2>report
says python3 no "Python of a version that is not known"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
