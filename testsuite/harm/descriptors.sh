# Programs that close every descriptor, or have few of them.
. "$HERE/lib.sh"
program odd
for mode in closefrom close_range nofile nofile_exec; do
    both "$BUILD/harm/odd" $mode
done
readable 3
