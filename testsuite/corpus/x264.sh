# x264 and ffmpeg with four threads: same video.
. "$HERE/lib.sh"
need x264 ffmpeg
ffmpeg -v error -f lavfi -i testsrc=size=640x360:rate=25 -frames:v $((40 * SCALE)) -pix_fmt yuv420p in.y4m </dev/null || exit 1
under x264 --quiet --no-progress --threads 4 --preset veryfast -o out.264 in.y4m 2>/dev/null || exit 1
sha256sum <out.264
under ffmpeg -v error -threads 4 -i in.y4m -threads 4 -c:v mpeg4 -slices 1 -f framemd5 - </dev/null | tail -n 3
