# A mutex looks the same to its program whether the library takes it or libc does.
. "$HERE/lib.sh"
program direct
for options in races=off races=off:direct_mutexes=off races=on; do
    export TWATCH_OPTIONS=report=off:$options
    both "$BUILD/harm/direct"
    readable
    rm -f ./*.twatch
done
