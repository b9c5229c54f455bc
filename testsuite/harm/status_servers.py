"""`twatch status` on a loaded server against gdb's view: the server is stopped for a moment, and every lock that status says a thread holds
has that thread as its owner in glibc's mutex; every holder of a contended lock that it names likewise. Also: processor time of a call.

usage: status_servers.py TWATCH PID ROUNDS"""
import json, os, re, resource, signal, subprocess, sys, time

twatch, pid, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


def cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def stopped():
    """All threads have stopped, not only been told to."""
    for _ in range(200):
        states = []
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/stat", encoding="ascii", errors="replace") as f:
                states.append(f.read().rpartition(")")[2].split()[0])
        if all(s == "T" for s in states):
            return
        time.sleep(0.005)
    sys.exit("the server does not stop")


def gdb(addresses, tids):
    """Owners of the mutexes, and the innermost frames of the threads."""
    command = ["gdb", "-nx", "-batch", "-p", str(pid), "-ex", "set print thread-events off"]
    for a in addresses:
        command += ["-ex", f'printf "OWNER {a} %d\\n", *(int*)({a}+8)']
    command += ["-ex", "thread apply all -q -s bt 3"]
    out = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    owners = {a: int(o) for a, o in re.findall(r"^OWNER (\S+) (-?\d+)$", out, re.M)}
    frames = {}
    tid = 0
    for line in out.splitlines():
        head = re.match(r"Thread \d+ .*LWP (\d+)", line)
        if head:
            tid = int(head.group(1))
        elif line.startswith("#"):
            frames[tid] = frames.get(tid, "") + line
    return owners, frames


checked = wrong = midway = 0
times = []
for _ in range(rounds):
    time.sleep(0.05)
    os.kill(pid, signal.SIGSTOP)
    try:
        stopped()
        before = cpu()
        answer = subprocess.run([twatch, "status", "--format=json", str(pid)], capture_output=True, text=True, timeout=30)
        times.append(cpu() - before)
        if answer.returncode != 0:
            sys.exit(f"status ends with {answer.returncode}: {answer.stderr}")
        threads = json.loads(answer.stdout)["threads"]
        claims = [(h["address"], t["tid"]) for t in threads for h in t["holds"] if h["kind"] == "mutex"]
        tid_of = {t["id"]: t["tid"] for t in threads}
        for w in (t["waits"] for t in threads if "waits" in t):
            claims += [(w["address"], tid_of[h]) for h in w["held_by"] if w["kind"] == "mutex"]
        if not claims:
            continue
        owners, frames = gdb(sorted({a for a, _ in claims}), [t for _, t in claims])
        for address, tid in claims:
            checked += 1
            if owners.get(address) == tid:
                continue
            # Between the lock and the note of it lie a few instructions of the library.
            if re.search(r"libtwatch|pthread_mutex|lll_lock|___pthread", frames.get(tid, "")):
                midway += 1
            else:
                wrong += 1
                print("status: held by", tid, "gdb: owner", owners.get(address), "of", address, frames.get(tid))
    finally:
        os.kill(pid, signal.SIGCONT)
times.sort()
print(f"{checked} held locks compared, {wrong} wrong, {midway} on the way; {1000 * times[len(times) // 2]:.0f} ms of processor time a call, at most {1000 * times[-1]:.0f}")
sys.exit(1 if wrong or times[len(times) // 2] > 0.05 else 0)
