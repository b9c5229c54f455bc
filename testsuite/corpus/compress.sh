# pigz, pbzip2, xz and zstd with two threads: same bytes out, and they come back the same.
. "$HERE/lib.sh"
need pigz pbzip2 xz zstd
data $((4000000 * SCALE)) >data
sum() { sha256sum | cut -c1-32; }
echo "pigz $(under pigz -n -p2 -c data | tee z | sum) $(under pigz -dc z | sum)"
echo "pbzip2 $(under pbzip2 -p2 -b2 -c data | tee z | sum) $(under pbzip2 -dc -p2 z | sum)"
echo "xz $(under xz -T2 --block-size=1MiB -1 -c data | tee z | sum) $(under xz -dc -T2 z | sum)"
echo "zstd $(under zstd -q -T2 -3 -c data | tee z | sum) $(under zstd -q -dc z | sum)"
sum <data
