#!/usr/bin/python3 -I
"""What twatch report --queues says of real programs is right, and it is no finding. usage: roles.py BUILD

What is asserted is known of each program: pbzip2 reads in main, compresses in workers, writes in a thread of its own; nginx hands reads of files to
a pool of four threads; an executor's workers share one queue. A program that is not installed is passed over.
"""
import glob, json, os, re, shutil, subprocess, sys, tempfile, socket, time

BUILD = os.path.abspath(sys.argv[1])
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CORPUS = os.path.join(ROOT, "testsuite", "corpus")
passed = failed = 0


def environment(**more):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("TWATCH_", "LD_PRELOAD"))}
    env.update(more)
    return env


def reports(work):
    """The JSON reports of all records in `work` that have threads, and the text of each with --queues."""
    out = []
    for record in sorted(glob.glob(os.path.join(work, "*.twatch"))):
        target = record + ".json"
        subprocess.run([BUILD + "/twatch", "report", "--format=json", "--output=" + target, record], timeout=120, check=False, env=environment())
        text = subprocess.run([BUILD + "/twatch", "report", "--queues", record], timeout=120, check=False, env=environment(), stdout=subprocess.PIPE, text=True).stdout
        with open(target, encoding="utf-8") as stream:
            report = json.load(stream)
        if len(report["runs"][0]["threads"]) > 1:
            out.append((report["runs"][0], text))
    return out


def run(command, work, stdin=None, **env):
    options = f"races=off:report=off:log_path={work}/"
    with open(stdin or os.devnull, "rb") as source:
        subprocess.run(command, cwd=work, timeout=100, check=True, stdin=source, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       env=environment(TWATCH_OPTIONS=options, LD_PRELOAD=BUILD + "/libtwatch.so", **env))


def script(name, work):
    """A script of the corpus with the library."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    env = environment(BUILD=BUILD, HERE=CORPUS, WORK=work, LIB=BUILD + "/libtwatch.so", OPTIONS=f"races=off:report=off:log_path={work}/", SCALE="1",
                      PORT=str(port), LC_ALL="C.UTF-8")
    status = subprocess.run(["/bin/bash", "-u", os.path.join(CORPUS, name + ".sh")], cwd=work, timeout=200, check=False, env=env, stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    return status == 0


def data(work):
    path = os.path.join(work, "data")
    with open(path, "w", encoding="ascii") as out:
        out.writelines(f"{i * 7919 % 100003} {i}\n" for i in range(400000))
    return path


def check(name, holds, detail=""):
    global passed, failed
    if holds:
        passed += 1
    else:
        failed += 1
        print(f"FAIL {name}: {str(detail)[:3000]}", flush=True)


def names(sides):
    return [s["name"] for s in sides]


def python(work):
    for program in ("executor_busy", "queue_slow_consumer"):
        os.makedirs(work, exist_ok=True)
        run(["/usr/bin/python3", os.path.join(ROOT, "testsuite/seed-python", program + ".py")], work)
        report, text = reports(work)[-1]
        shutil.rmtree(work)
        if program == "executor_busy":
            check("executor: a pool", any(p["name"] == "_worker (thread.py)" and p["tasks"] >= 20 for p in report["pools"]), text)
            check("executor: its queue", any(q["clear"] and names(q["producers"]) == ["main"] and names(q["consumers"]) == ["_worker (thread.py)"]
                                             for q in report["queues"]), text)
        else:
            good = [q for q in report["queues"] if q["kind"] == "Python queue" and q["clear"] and "producer (queue_slow_consumer.py)" in names(q["producers"])
                    and names(q["consumers"]) == ["consumer (queue_slow_consumer.py)"]]
            check("queue.Queue: both sides", good, text)
            check("queue.Queue: who holds up whom", any("the consumers hold them up" in s for q in good for s in q["says"]), text)
            check("Python's join", any(j["joined"] == "consumer (queue_slow_consumer.py)" and j["threads"] == 3 for j in report["joins"]), text)


def pbzip2(work):
    if not shutil.which("pbzip2"):
        return
    run(["pbzip2", "-p2", "-b2", "-c", data(work)], work)
    report, text = reports(work)[-1]
    clear = [q for q in report["queues"] if q["clear"]]
    check("pbzip2: main feeds the workers", any(names(q["producers"]) == ["main"] and q["consumers"][0]["threads"] >= 1 for q in clear), text)
    check("pbzip2: no word of a pool that is too large", not any("larger" in s for p in report["pools"] for s in p["says"]), text)


def pipelines(work):
    """Programs of which little is claimed: nothing wrong, and no warning."""
    for command in (["pigz", "-p3", "-c"], ["xz", "-T2", "-1", "-c"]):
        if not shutil.which(command[0]):
            continue
        os.makedirs(work, exist_ok=True)
        run(command + [data(work)], work)
        for report, text in reports(work):
            check(command[0] + ": no warning", report["summary"]["error"] == report["summary"]["warning"] == 0, text)
            check(command[0] + ": main does not feed itself", not any("main" in names(q["producers"]) and "main" in names(q["consumers"])
                                                                     for q in report["queues"] if q["clear"]), text)
        shutil.rmtree(work)


def nginx(work):
    if not os.path.exists("/usr/sbin/nginx"):
        return
    os.chmod(work, 0o777)
    check("nginx runs", script("nginx", work))
    found = [(r, t) for r, t in reports(work) if any(q["posts"] >= 50 for q in r["queues"])]
    check("nginx: the pool of four", found and all(any(p["size"] == 4 and p["creator"] == "the main thread" for p in r["pools"]) for r, _ in found),
          [t for _, t in found])
    check("nginx: main feeds it", all(any(q["clear"] and names(q["producers"]) == ["main"] and q["consumers"][0]["threads"] == 4 for q in r["queues"])
                                      for r, _ in found), [t for _, t in found])


def memcached(work):
    """Event loops: each worker idles at an epoll set of its own, and is none that was at work when the server ended."""
    if not shutil.which("memcached"):
        return
    os.chmod(work, 0o777)
    check("memcached runs", script("memcached", work))
    for report, text in reports(work):
        check("memcached: the pool of four", any(p["name"] == "mc-worker" and p["size"] == 4 and p["queue_kind"] == "epoll set" and p["tasks"] >= 100 and not p["says"]
                                                 for p in report["pools"]), text)
        check("memcached: no other pool", len(report["pools"]) == 1, text)
        check("memcached: idle workers are not at work", not any("mc-worker" in line and "running" in line for line in text.splitlines() if line.startswith("[")), text)


def ticks(pid):
    """Hundredths of a second of processor time."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stream:
        fields = stream.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def redis(work):
    """Threads for I/O idle at mutexes and spin: no pool is claimed."""
    if not shutil.which("redis-server") or not shutil.which("redis-benchmark"):
        return
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = str(s.getsockname()[1])
    server = subprocess.Popen(["redis-server", "--port", port, "--save", "", "--io-threads", "3"], cwd=work, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              env=environment(TWATCH_OPTIONS=f"races=off:report=off:log_path={work}/", LD_PRELOAD=BUILD + "/libtwatch.so"))
    try:
        for _ in range(100):
            if subprocess.run(["redis-cli", "-p", port, "ping"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20, check=False).returncode == 0:
                break
        subprocess.run(["redis-benchmark", "-p", port, "-q", "-n", "4000", "-c", "20", "-t", "set"], stdout=subprocess.DEVNULL, timeout=100, check=False)
        for _ in range(30):  # until they no longer spin, but sleep at their mutexes
            before = ticks(server.pid)
            time.sleep(1)
            if ticks(server.pid) - before <= 5:
                break
    finally:
        server.terminate()
        server.wait(60)
    for report, text in reports(work):
        check("redis: no pool is claimed", not report["pools"], text)
        check("redis: no warning", report["summary"]["error"] == report["summary"]["warning"] == 0, text)


def mariadb(work):
    """Its pool of threads grows by itself, and each of its workers sleeps at a condition variable of its own. One thread of another kind is never joined."""
    if not shutil.which("mariadbd") and not os.path.exists("/usr/sbin/mariadbd"):
        return
    check("mariadb runs", script("mariadb", work))
    found = [(r, t) for r, t in reports(work) if any(p["queue"] == "of its own" and p["size"] >= 2 and p["tasks"] >= 8 for p in r["pools"])]
    check("mariadb: the pool of threads", found, [t for _, t in reports(work)])
    check("mariadb: no advice on its size", not any("larger" in s or "all workers" in s for r, _ in found for p in r["pools"] for s in p["says"]), [t for _, t in found])
    check("mariadb: no warning but for a thread that is never joined", all(re.findall(r"^\[\d+\] (?:warning|error).*", t, re.M) in ([], [w]) for _, t in found
          for w in re.findall(r"^\[\d+\] warning: thread \d+ ended and was never joined.*", t, re.M) or [None]), [t for _, t in found])


for test in (python, pbzip2, pipelines, nginx, memcached, redis, mariadb):
    place = tempfile.mkdtemp()
    try:
        test(place)
    except (subprocess.SubprocessError, OSError, IndexError, ValueError) as error:
        check(test.__name__, False, repr(error))
    shutil.rmtree(place, ignore_errors=True)
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0 or not passed)
