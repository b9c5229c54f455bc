#!/bin/bash
# `twatch run` and `twatch report` from the outside: exit status, outputs, time limit, what was not observed. Needs a build (BUILD).
set -u
cd "$(dirname "$0")/../.." || exit 125
. testsuite/lib/expect.sh
twatch=$(realpath "${BUILD:-build}")/twatch
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
unset TWATCH_OPTIONS LD_PRELOAD
cd "$out" || exit 125
cat >good.c <<'END'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static void *f(void *x) { return x; }
int main(int argc, char **argv) {
    pthread_t t;
    pthread_create(&t, 0, f, 0);
    pthread_join(t, 0);
    puts("output");
    if (argc > 2) sleep(60);
    return argc > 1 ? atoi(argv[1]) : 0;
}
END
cat >bad.c <<'END'
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static void *f(void *x) { pthread_mutex_lock(&a); pthread_mutex_lock(&b); pthread_mutex_unlock(&b); pthread_mutex_unlock(&a); return x; }
static void *g(void *x) { usleep(100000); pthread_mutex_lock(&b); pthread_mutex_lock(&a); pthread_mutex_unlock(&a); pthread_mutex_unlock(&b); return x; }
int main(int argc, char **argv) {
    pthread_t t, u;
    pthread_create(&t, 0, f, 0), pthread_create(&u, 0, g, 0);
    pthread_join(t, 0), pthread_join(u, 0);
    return argc > 1 ? atoi(argv[1]) : 0;
}
END
cat >stuck.c <<'END'
#include <pthread.h>
#include <unistd.h>
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER;
static void *f(void *x) { pthread_mutex_lock(&a); sleep(60); pthread_mutex_unlock(&a); return x; }
static void *g(void *x) { usleep(100000); pthread_mutex_lock(&a); pthread_mutex_unlock(&a); return x; }
int main(void) { pthread_t t, u; pthread_create(&t, 0, f, 0), pthread_create(&u, 0, g, 0); pthread_join(u, 0), pthread_join(t, 0); return 0; }
END
cat >spawn.c <<'END'
#include <spawn.h>
#include <sys/wait.h>
int main(void) {
    char *argv[] = {"./good", 0}, *envp[] = {0};
    pid_t a, b;
    if (posix_spawn(&a, argv[0], 0, 0, argv, envp) || posix_spawnp(&b, argv[0], 0, 0, argv, envp)) return 1;
    return waitpid(a, 0, 0) != a || waitpid(b, 0, 0) != b;
}
END
cat >joined.c <<'END'
#include <pthread.h>
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER;
static void *f(void *x) { pthread_mutex_lock(&a); pthread_mutex_unlock(&a); return x; }
int main(void) { pthread_t t; pthread_mutex_lock(&a); pthread_create(&t, 0, f, 0); pthread_join(t, 0); return 0; }
END
for p in good bad stuck spawn joined; do gcc -g -pthread -o $p $p.c || exit 125; done
gcc -static -pthread -o static good.c 2>/dev/null

expect "clean program" 0 "$twatch" run -- ./good
says stdout output
expect "its own status" 7 "$twatch" run -- ./good 7
expect "findings" 66 "$twatch" run -- ./bad
silent stdout
says stderr lock-order-cycle
expect "findings before the child's status" 66 "$twatch" run -- ./bad 3
expect "other status for findings" 9 "$twatch" run --error-exitcode=9 -- ./bad
expect "never" 3 "$twatch" run --fail-on=never -- ./bad 3
expect "signal" 143 "$twatch" run -- sh -c 'kill -TERM $$'
expect "not found" 127 "$twatch" run -- ./nothing
expect "not executable" 126 "$twatch" run -- ./good.c
expect "no command" 125 "$twatch" run
expect "bad option" 125 "$twatch" run --bogus -- ./good
says stderr bogus
expect "bad value" 125 "$twatch" run --fail-on=sometimes -- ./good
says stderr "fail_on=sometimes"
expect "bad environment" 0 env TWATCH_OPTIONS=nonsense=1 "$twatch" run -- ./good
says stderr nonsense
[ -x static ] && expect "static program" 125 "$twatch" run -- ./static && says stderr "statically"
expect "a shell that runs them" 66 "$twatch" run -- sh -c './good; ./bad; ./good'
expect "only the command itself" 0 "$twatch" run --follow=no -- sh -c './bad; true'
expect "a cleared environment behind a shell" 0 "$twatch" run -- sh -c 'env -i ./good; true'
says stderr "1 process was not observed: ./good was started without LD_PRELOAD"
expect "a cleared environment beside findings" 66 "$twatch" run --format=json --output=r.json -- sh -c './bad; env -i ./good; true'
says r.json "was not observed: ./good was started"
expect "nothing else was observed" 125 "$twatch" run -- env -i ./good
says stderr "nothing was observed: ./good was started without"
[ -x static ] && expect "a static child" 0 "$twatch" run -- sh -c './static; true' && says stderr "./static is linked statically"
expect "a program that is not there" 0 "$twatch" run -- sh -c 'env -i ./nothing; true'
if grep -q "not observed" stderr; then echo "FAIL: what was not started is called not observed"; failed=$((failed + 1)); else passed=$((passed + 1)); fi
expect "spawned without an environment" 0 "$twatch" run -- ./spawn
says stderr "2 processes were not observed: ./good was started without"
expect "no threads at all" 0 "$twatch" run -- true
expect "JSON and text" 66 "$twatch" run --format=json --output=r.json --format=text --output=r.txt -- ./bad
says r.json '"lock-order-cycle"'
says r.txt "lock-order-cycle"
says stderr "see r.json"
expect "JSON of nothing" 0 "$twatch" run --format=json --output=r.json -- true
says r.json '"findings"'
start=$SECONDS
expect "time limit" 143 "$twatch" run --timeout=3 --format=text --output=r.txt -- ./stuck
[ $((SECONDS - start)) -lt 10 ] && passed=$((passed + 1)) || failed=$((failed + 1))
says r.txt "killed while"
says r.txt "time limit"
expect "a directory" 66 "$twatch" run --log-path=again/ -- ./bad
expect "a directory with an older record" 0 "$twatch" run --log-path=again/ -- ./good
expect "the same again" 66 "$twatch" run --log-path=again/ -- ./bad
expect "a circle through a join" 66 "$twatch" run --format=html --output=joined.html -- ./joined
says joined.html "<title>Thread 2 &quot;f&quot;</title>"
says joined.html "hung, ended by twatch (status 66)"
mkdir kept
expect "own directory" 66 "$twatch" run --log-path=kept/ -- ./bad
expect "report again" 66 "$twatch" report kept
says stdout lock-order-cycle
expect "report of one" 66 "$twatch" report kept/*.twatch
expect "empty directory" 125 "$twatch" report /var/empty/nothing
expect "no record" 125 "$twatch" report good.c
says stderr good.c
head -c 5000 kept/*.twatch >cut.twatch
"$twatch" report cut.twatch >stdout 2>stderr </dev/null
says stdout "cut off"
expect "automatic" 66 "$twatch" report --auto --output=auto.txt kept/*.twatch
silent stdout
[ "$(wc -l <stderr)" = 1 ] && passed=$((passed + 1)) || { echo "FAIL: not one line:"; cat stderr; failed=$((failed + 1)); }
says auto.txt lock-order-cycle
ln -sf good.c planted.txt
expect "a planted symlink" 66 "$twatch" report --auto --output=planted.txt kept/*.twatch
[ -L planted.txt ] && failed=$((failed + 1)) || passed=$((passed + 1))
grep -q include good.c && passed=$((passed + 1)) || { echo "FAIL: written through a symlink"; failed=$((failed + 1)); }
"$twatch" run -- ./good 0 sleep >stdout 2>stderr &
sleep 1
kill -TERM $!
wait $!
[ $? = 143 ] && passed=$((passed + 1)) || { echo "FAIL: SIGTERM is not passed on"; failed=$((failed + 1)); }
expect "checks" 0 "$twatch" checks
says stdout "lock-order-cycle [error]"
expect "one check" 0 "$twatch" checks data-race
expect "no such check" 125 "$twatch" checks nonsense
says stderr "no kind \"nonsense\""
expect "a check as part of the manual" 0 "$twatch" checks --format=markdown data-race
says stdout "# data-race: "
expect "no such format of checks" 125 "$twatch" checks --format=nonsense
expect "two checks" 125 "$twatch" checks data-race deadlock
expect "help" 0 "$twatch" help
expect "options" 0 "$twatch" help options
says stdout "hang_timeout"
expect "what was watched for races" 0 env TWATCH_OPTIONS=races=on "$twatch" run --verbose --format=text --output=cover.txt -- ./good
says cover.txt "memory accesses of"
expect "a module named by races_only" 0 env TWATCH_OPTIONS=races=on:races_only=other,goo? "$twatch" run --verbose --format=text --output=cover.txt -- ./good
says cover.txt "memory accesses of"
expect "a module named by races_skip" 0 env TWATCH_OPTIONS='races=on:races_skip=*/goo*' "$twatch" run --verbose --format=text --output=cover.txt -- ./good
if grep -q "memory accesses of" cover.txt; then echo "FAIL: races_skip does not skip"; failed=$((failed + 1)); else passed=$((passed + 1)); fi
expect "the same in JSON" 0 env TWATCH_OPTIONS=races=on "$twatch" run --format=json --output=cover.json -- ./good
says cover.json '"coverage"'
printf 'races = off\n\nbogus = 1\nfail_on = never\n' >.twatch.conf
expect "options file" 0 "$twatch" run -- ./bad
says stderr ".twatch.conf:3: there is no option \"bogus\""
expect "the command line is stronger" 66 "$twatch" run --fail-on=error -- ./bad
echo "$passed passed, $failed failed"
[ $failed = 0 ]
