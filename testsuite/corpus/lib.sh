# Helpers of the corpus; sourced by testsuite/corpus/*.sh. A corpus script runs one real program on a bounded workload, on 127.0.0.1 only,
# and prints what must be the same with the library as without. Set by testsuite/corpus/run: BUILD, HERE, WORK (the working directory),
# LIB (the library, or empty), OPTIONS, SCALE (1, or 5 with --long), PORT (free for this run).

# under COMMAND...: the program under test; everything else runs without the library
under() {
    if [ -n "$LIB" ]; then
        LD_PRELOAD=$LIB TWATCH_OPTIONS=$OPTIONS "$@"
    else
        "$@"
    fi
}

# start COMMAND...: the same in the background; its process id in $server
start() {
    (
        [ -z "$LIB" ] || export LD_PRELOAD=$LIB TWATCH_OPTIONS=$OPTIONS
        exec "$@"
    ) &
    server=$!
}

need() {
    for program; do
        command -v "$program" >/dev/null || [ -x "/usr/sbin/$program" ] || { echo "SKIP: no $program" >&2; exit 77; }
    done
}

# data BYTES: text that compresses neither too well nor too badly, the same in every run
data() { seq 1 "$(($1 / 7))" | awk '{print $1 * 7919 % 100003, $1}' | head -c "$1"; }

# wait_port PORT PID: until somebody listens
wait_port() {
    for _ in $(seq 300); do
        (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0
        kill -0 "$2" 2>/dev/null || return 1
        sleep 0.1
    done
    return 1
}

# compiled NAME.c FLAGS...: built once into $BUILD/corpus
compiled() {
    local source=$1 out=$BUILD/corpus/${1%.c}
    shift
    mkdir -p "$BUILD/corpus"
    [ "$out" -nt "$HERE/$source" ] || cc -O2 -g -Wall -Wextra -pthread -o "$out" "$HERE/$source" "$@" || exit 125
    echo "$out"
}
