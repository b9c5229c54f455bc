# Helpers of the harmlessness tests; sourced by testsuite/harm/*.sh. Set by testsuite/harm/run: BUILD (absolute), WORK (a fresh directory,
# the working directory), HERE (this folder), LONG (1 with --long).

die() {
    echo "$*"
    exit 1
}

# program NAME [FLAGS...]: build HERE/NAME.c as $BUILD/harm/NAME
program() {
    local name=$1
    shift
    mkdir -p "$BUILD/harm"
    [ "$BUILD/harm/$name" -nt "$HERE/$name.c" ] || cc -std=gnu11 -O1 -g -Wall -Wextra -pthread "$@" -o "$BUILD/harm/$name.$$" "$HERE/$name.c" "$@" ||
        die "$name does not build"
    [ ! -e "$BUILD/harm/$name.$$" ] || mv "$BUILD/harm/$name.$$" "$BUILD/harm/$name"
}

# both COMMAND...: the command prints and returns the same with the library as without
both() {
    local native watched
    # Through a pipe: a limit on the size of files is to hit the record and not what the program prints.
    timeout 120 "$@" 2>native.err | cat >native.out
    native=${PIPESTATUS[0]}
    timeout 180 env LD_PRELOAD="$BUILD/libtwatch.so" "$@" 2>watched.err | cat >watched.out
    watched=${PIPESTATUS[0]}
    [ $native != 124 ] || die "$*: hangs by itself"
    [ $native = $watched ] || die "$*: status $watched instead of $native; $(tail -n 2 watched.err)"
    cmp -s native.out watched.out || die "$*: other output: $(diff native.out watched.out | head -n 4)"
}

# readable [AT-LEAST]: every record here is read without an error; there are at least so many (default 1)
readable() {
    local n=0 file status
    while read -r file; do
        timeout 60 "$BUILD/twatch" report --format=json --output=report.json "$file" 2>report.err
        status=$?
        [ $status = 0 ] || [ $status = 66 ] || die "$file: report ended with $status: $(head -n 2 report.err)"
        n=$((n + 1))
    done < <(find . -name '*.twatch')
    [ $n -ge "${1:-1}" ] || die "$n records instead of at least ${1:-1}"
}

# said TEXT: the last report or the program's stderr says so
said() {
    grep -qiE "$1" report.json report.err watched.err 2>/dev/null || die "nobody says '$1'"
}
