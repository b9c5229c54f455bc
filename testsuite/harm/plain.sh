# Programs without threads leave no file; setuid and static programs are not called clean; the library's line on stderr comes only with findings.
. "$HERE/lib.sh"
LD_PRELOAD=$BUILD/libtwatch.so bash -c 'for i in 1 2 3; do /bin/true; ls / >/dev/null; done' 2>err || die "bash: $?"
[ -z "$(ls ./*.twatch 2>/dev/null)" ] || die "records of programs without threads: $(ls ./*.twatch)"
[ ! -s err ] || die "said: $(head -n 3 err)"
echo 'int main(void) { return 0; }' >static.c && cc -static -o static static.c || die "no static libc"
timeout 30 "$BUILD/twatch" run -- ./static 2>err
[ $? = 125 ] || die "twatch run of a static program did not end with 125"
timeout 30 "$BUILD/twatch" run -- ./does-not-exist 2>err
[ $? = 127 ] || die "twatch run of a missing program did not end with 127"
touch not-executable
timeout 30 "$BUILD/twatch" run -- ./not-executable 2>err
[ $? = 126 ] || die "twatch run of a file that is not executable did not end with 126"
timeout 30 "$BUILD/twatch" run -- sh -c 'kill -TERM $$' 2>err
[ $? = 143 ] || die "a signal of the child was not passed through as 128+n"
timeout 30 "$BUILD/twatch" run -- sh -c 'exit 7' 2>err
[ $? = 7 ] || die "the child's own failure was not passed through"
TWATCH_OPTIONS=no_such_key=1 LD_PRELOAD=$BUILD/libtwatch.so /bin/true 2>err || die "an unknown option ended the program"
grep -q no_such_key err || die "an unknown option was not named"
