#!/bin/bash
# twatch run over trees of programs: a Makefile that starts a hundred, some static, some setuid, some in a cleared environment; records that cannot be
# written; what a run that was killed leaves behind. One report, and nothing called clean that was not observed.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
: "${BUILD:=build}"
case $BUILD in /*) ;; *) BUILD=$root/$BUILD ;; esac
twatch=$BUILD/twatch
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cd "$work" || exit 125
mkdir tmp
export TMPDIR=$work/tmp
unset TWATCH_OPTIONS LD_PRELOAD MAKEFLAGS MAKELEVEL MFLAGS
passed=0 failed=0
ok() { # what, then a command that succeeds if it is so
    local what=$1
    shift
    if "$@"; then passed=$((passed + 1)); else echo "FAIL $what"; cat err; failed=$((failed + 1)); fi
}
run() { timeout 120 "$twatch" run --races=off "$@" >out 2>err </dev/null; status=$?; }

cat >good.c <<'E2'
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
static void *f(void *x) { return x; }
int main(int argc, char **argv) { pthread_t t; pthread_create(&t, 0, f, 0); pthread_join(t, 0); if (argc > 1) sleep((unsigned)atoi(argv[1])); return 0; }
E2
cat >bad.c <<'E2'
#include <pthread.h>
#include <unistd.h>
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static void *f(void *x) { pthread_mutex_lock(&a); pthread_mutex_lock(&b); pthread_mutex_unlock(&b); pthread_mutex_unlock(&a); return x; }
static void *g(void *x) { usleep(100000); pthread_mutex_lock(&b); pthread_mutex_lock(&a); pthread_mutex_unlock(&a); pthread_mutex_unlock(&b); return x; }
int main(void) { pthread_t t, u; pthread_create(&t, 0, f, 0), pthread_create(&u, 0, g, 0); pthread_join(u, 0), pthread_join(t, 0); return 0; }
E2
gcc -g -pthread -o good good.c && gcc -g -pthread -o bad bad.c && gcc -g -static -pthread -o fixed good.c && cp good rights || exit 125
# Rights that the starter has not: the loader ignores LD_PRELOAD. Only root can hand them out.
[ "$(id -u)" = 0 ] && chown nobody rights && chmod u+s rights
mkdir sub
cat >Makefile <<'E2'
check: $(addprefix plain-,$(shell seq 60)) $(addprefix thread-,$(shell seq 20)) $(addprefix static-,$(shell seq 5)) $(addprefix env-,$(shell seq 5)) twice rights
	$(MAKE) -C sub
plain-%: ; @true
thread-%: ; @./good
static-%: ; @./fixed
env-%: ; @env -i ./good
.PHONY: rights twice
rights: ; @./rights
twice: ; @./bad && sh -c './bad; exit 0'
E2
printf 'all:\n\t@../bad\n' >sub/Makefile

export COLUMNS=160
run --format=text --output=r.txt --format=json --output=r.json -- make -j2 check
ok "a tree with findings: $status" [ $status = 66 ]
ok "the finding of three processes stands once" [ "$(jq '[.findings[] | select(.kind == "lock-order-cycle")] | length' r.json)" = 1 ]
ok "and says so" [ "$(jq '.findings[0].other_runs | length' r.json)" = 2 ]
ok "static ones are named" grep -q 'fixed is linked statically' r.txt
ok "cleared environments are named" grep -q 'good was started without LD_PRELOAD' r.txt
[ "$(id -u)" = 0 ] && ok "setuid ones are named" grep -q 'rights gains rights' r.txt
left=$([ "$(id -u)" = 0 ] && echo 11 || echo 10)
ok "all of them are counted" grep -q "$left processes were not observed" r.txt
ok "one report" [ "$(grep -c '^Summary' r.txt)" = 1 ]
ok "the JSON names them too" jq -e '.notes[] | select(test("not observed"))' r.json >out
sed -i 's/^twice: .*/twice: ; @true/' Makefile && printf 'all: ; @true\n' >sub/Makefile
run -- make check
ok "a tree without findings: $status" [ $status = 0 ]
ok "is not called clean without a word" grep -q "$left processes were not observed" err

# What libraries do on purpose: the file beside twatch knows it, each entry with its reason.
cat >team.c <<'E2'
#include <stdio.h>
int main(void) {
    long sum = 0;
#pragma omp parallel for reduction(+ : sum) num_threads(4)
    for (int i = 0; i < 1000; i++) sum += i;
    return sum != 499500;
}
E2
if gcc -g -fopenmp -o team team.c 2>/dev/null; then
    run --fail-on=note -- ./team
    ok "an OpenMP team is no finding: $status" [ $status = 0 ]
    ok "but counted" grep -q '1 suppressed' err
    run --fail-on=note --library-suppressions=off -- ./team
    ok "unless that is wanted: $status" [ $status = 66 ]
fi
ok "a reason for each" [ -z "$(grep -v '^#' "$BUILD/libraries.supp" | grep . | grep -v 'reason="..*"')" ]

# Names of programs, files and directories that want to steer the terminal, in what twatch itself says and in each format.
evil=$'e\033[31mvil\033]0;title\a\n::error::\302\233m<b>'
mkdir "$evil" && cp fixed "$evil/fixed" && cp good "$evil/$evil" && cp bad "$evil/bad" && echo 'no record' >"$evil/x.twatch"
tame() { # stdin holds nothing that a terminal would obey, and no line of a stranger's
    ! LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|^::error::' || { head -c 300 "$1" | cat -v; false; }
}
for command in "./$evil/fixed" "env -i ./$evil/$evil" "./$evil/nothing"; do
    if [[ $command == env* ]]; then run -- env -i "./$evil/$evil"; else run -- "$command"; fi
    ok "what is said of a nasty name: $status" [ $status = 125 -o $status = 127 ]
    ok "is tame" tame err <err
done
run -- sh -c 'env -i "$0"; true' "./$evil/$evil"
ok "what was not observed" grep -q 'was not observed' err
ok "is tame, too" tame err <err
"$twatch" report "$evil" >out 2>err
ok "a nasty directory's record" tame err <err
for format in text json sarif junit html github dot; do
    run --format=$format --output=nasty -- "./$evil/bad" "$evil"
    ok "nasty names as $format: $status" [ $status = 66 ]
    [ $format = html ] && sed -i "s/^::error::/-/" nasty # a page is no log: there a line break is a blank
    ok "$format is tame" tame nasty <nasty
done

# Records elsewhere: made if it is not there, and the same place for children that go to another directory.
printf 'all: ; @../bad\n' >sub/Makefile
run --log-path=new/records/ -- make -C sub
ok "a directory that has to be made: $status" [ $status = 66 ]
ok "holds the record" ls new/records/bad.*.twatch >out
ok "and nothing is beside it" [ ! -e sub/new ]
TWATCH_OPTIONS=log_path=alone/:races=off LD_PRELOAD=$BUILD/libtwatch.so ./bad 2>err
ok "the library makes it too" ls alone/bad.*.twatch >out
# A record that cannot be written: not clean.
run --log-path=/proc/nowhere/ -- ./bad
ok "no record, no clean bill: $status" [ $status = 125 ]
ok "and the reason" grep -q "bad could not write its record" err
run --log-path=/proc/nowhere/ --format=json --output=r.json -- sh -c './bad; true'
ok "no record in a tree: $status" [ $status = 125 ]
run --log-path=/proc/nowhere/ -- true
ok "what is worth no record needs none: $status" [ $status = 0 ]

# What a killed run leaves is removed by the next; what belongs to a living one, to somebody else, or was kept is not.
"$twatch" run --races=off -- ./good 300 2>/dev/null >&2 &
killed=$!
"$twatch" run --races=off -- ./good 300 2>/dev/null >&2 &
living=$!
for _ in $(seq 100); do [ "$(ls tmp/twatch-run-*/*.twatch 2>/dev/null | wc -l)" = 2 ] && break; sleep 0.1; done
ok "two runs with their records" [ "$(ls -d tmp/twatch-run-*/run | wc -l)" = 2 ]
children=$(pgrep -P $killed; pgrep -P $living)
disown $killed
kill -KILL $killed
run --keep -- ./bad
kept=$(ls -d tmp/twatch-run-*/bad.*.twatch)
mkdir tmp/twatch-run-another tmp/twatch-run-planted && ln -s /dev/null tmp/twatch-run-planted/run && : >tmp/twatch-run-planted/precious
run -- ./good
ok "the killed one's directory is gone, the living one's is not" [ "$(ls -d tmp/twatch-run-*/run | wc -l)" = 2 ] # living, planted
ok "kept records stay" [ -n "$kept" -a -e "$kept" ]
ok "directories of other origin stay" [ -d tmp/twatch-run-another -a -e tmp/twatch-run-planted/precious ]
kill $children $living 2>/dev/null
wait
ok "a run that ends itself leaves nothing" [ "$(ls -d tmp/twatch-run-* | wc -l)" = 3 ] # kept, another, planted
echo "$passed passed, $failed failed"
[ $failed = 0 ]
