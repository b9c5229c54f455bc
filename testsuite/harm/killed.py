"""Run the program $BUILD/harm/killed under the library N times, kill it with SIGKILL at a random moment, and count the dependencies in its
record against the number of pairs that it had finished. Reads the record by itself, by preload/format/record.h."""
import glob, os, random, signal, struct, subprocess, sys, time

PAGE, DEP, LIKE = 4096, 8, 15


def dependencies(path):
    """Complete elements of the DEP and LIKE chunks: each begins with its own size."""
    data, n, at = open(path, "rb").read(), 0, PAGE
    while at + 32 <= len(data):
        magic, kind, pages, offset, _, _, _, used = struct.unpack_from("<IHHQIIII", data, at)
        if magic != 0x4B4E4843 or offset != at or pages == 0:
            at += PAGE
            continue
        if kind in (DEP, LIKE):
            pos, end = at + 32, at + 32 + used
            while pos < end:
                size = struct.unpack_from("<I", data, pos)[0]
                if size < 8 or size % 8 or pos + size > end:
                    raise SystemExit(f"{path}: dependency at {pos} of size {size} in a chunk that ends at {end}")
                n += 1
                pos += size
        at += pages * PAGE
    return n


def once(program, library, twatch, seed):
    for old in glob.glob("*.twatch*") + glob.glob("progress"):
        os.unlink(old)
    env = dict(os.environ, LD_PRELOAD=library, TWATCH_OPTIONS="races=off")
    with subprocess.Popen([program, "progress"], env=env, stderr=subprocess.DEVNULL) as child:
        while not os.path.exists("progress") or os.path.getsize("progress") < 4:
            time.sleep(0.001)
            if child.poll() is not None:
                raise SystemExit(f"ended by itself with {child.returncode}")
        time.sleep(random.Random(seed).uniform(0, 0.12))
        child.send_signal(signal.SIGKILL)
    done = struct.unpack("<I", open("progress", "rb").read(4))[0]
    records = glob.glob("*.twatch")
    if len(records) != 1:
        raise SystemExit(f"{len(records)} records")
    found = dependencies(records[0])
    if found < done:
        raise SystemExit(f"run {seed}: killed after {done} pairs, {found} dependencies in the record")
    result = subprocess.run([twatch, "report", "--format=json", "--output=/dev/null", records[0]], env=dict(os.environ, LD_PRELOAD=""), timeout=60, capture_output=True, text=True)
    if result.returncode not in (0, 66):
        raise SystemExit(f"run {seed}: report ended with {result.returncode}: {result.stderr[:200]}")
    return done


build, runs = sys.argv[1], int(sys.argv[2])
pairs = [once(build + "/harm/killed", build + "/libtwatch.so", build + "/twatch", seed) for seed in range(runs)]
print(f"{runs} kills, {min(pairs)} to {max(pairs)} pairs")
