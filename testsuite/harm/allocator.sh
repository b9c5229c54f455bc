# A program with an allocator of its own that locks; also with the memory allocator's records of an environment that it grows.
. "$HERE/lib.sh"
program allocator -fno-builtin
both "$BUILD/harm/allocator"
readable 1
