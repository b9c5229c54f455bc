"""The benchmark's other figures: what is not a ratio of one workload's columns, each with the bar that it is held to. Used by run.

A figure is a function of the arguments that yields rows (what, measured, bar); of a figure that cannot be measured here the row says why."""
import json, os, random, re, resource, shutil, statistics, subprocess, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SUITE = os.path.join(ROOT, "testsuite")


def plain_environment(**more):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("TWATCH_", "LD_PRELOAD", "TSAN_"))}
    env.update(more)
    return env


def timed(command, env, cwd, limit=300, stdout=subprocess.DEVNULL):
    """(exit status, user+system seconds, wall seconds) of a command and its children."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    result = subprocess.run(command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.DEVNULL, timeout=limit, check=False)
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return result.returncode, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


# ---- a large executable ------------------------------------------------------------------------------------------------------

def source_of_part(functions):
    """A C file of so many functions, each other: loops, structures, switches, calls; without a name from outside."""
    r = random.Random(1)
    out = ["struct s { long a, b; int c[16]; double d; struct s *next; };", "static struct s table[64]; static long total; static int small[256];"]
    for i in range(functions):
        lines = []
        for _ in range(r.randrange(6, 30)):
            v, w, n = r.choice("xyz"), r.choice("xyz"), r.randrange(1, 999)
            kinds = [f"{v} += p->c[({w} + {n}) & 15];", f"p->c[{v} & 15] ^= {w} * {n};", f"total += {v};", f"if ({v} > {n}) small[{w} & 255]++; else p->b -= {v};",
                     f"for (int i = 0; i < ({v} & 15); i++) p->c[i] += table[({w} + i) & 63].c[i];", f"while (p->next && p->a > {v}) {{ p = p->next; {v} += {n}; }}",
                     f"switch ({v} & 7) {{ case 0: {w} = {n}; break; case 1: p->a = {v}; break; case 2: {w} ^= {v} >> 3; break; case 3: total = {w}; break; case 4: p->d *= {n}; break; case 5: p->b++; break; default: {v}--; }}",
                     f"p->d += (double){v} / (double)(p->a + {n});", f"*(char *)&small[{v} & 255] = (char){w};"]
            lines.append(r.choice(kinds + ([f"{v} = f{r.randrange(i)}(p, (int){w}, {n});"] if i else [])))
        out.append(f"__attribute__((noinline)) int f{i}(struct s *p, int x, int y) {{ int z = x ^ y; {' '.join(lines)} return x + y + z; }}")
    return "\n".join(out)


MAIN = """#include <pthread.h>
static void *nothing(void *arg) { return arg; }
int main(void) { pthread_t t; return pthread_create(&t, 0, nothing, 0) || pthread_join(t, 0); }
"""


def large_executable(args, megabytes=10):
    """An executable whose code alone is that large: one part, linked again and again under other names. Kept in the build directory."""
    out = os.path.join(args.build, "bench", "large")
    program = os.path.join(out, "large")
    if os.path.exists(program):
        return program
    os.makedirs(out, exist_ok=True)
    for name, text in (("part.c", source_of_part(350)), ("main.c", MAIN)):
        with open(os.path.join(out, name), "w", encoding="ascii") as stream:
            stream.write(text)
    subprocess.run(["cc", "-w", "-O2", "-c", "part.c", "-o", "part.o"], cwd=out, check=True)
    code = int(subprocess.run(["size", "part.o"], cwd=out, check=True, capture_output=True, text=True).stdout.splitlines()[1].split()[0])
    copies = [f"part{i}.o" for i in range(megabytes * 1000000 // code)]
    for i, copy in enumerate(copies):
        subprocess.run(["objcopy", f"--prefix-symbols=p{i}_", "part.o", copy], cwd=out, check=True)
    subprocess.run(["cc", "-O2", "-pthread", "-s", "main.c"] + copies + ["-o", "large"], cwd=out, check=True)
    for copy in copies:
        os.unlink(os.path.join(out, copy))
    return program


def load(args):
    program = large_executable(args)
    cache, seconds = os.path.join(args.work, "cache"), {"native": [], "first": [], "cached": []}
    env = plain_environment(XDG_CACHE_HOME=cache)
    watched = dict(env, LD_PRELOAD=os.path.join(args.build, "libtwatch.so"), TWATCH_OPTIONS=f"races=on:report=off:log_path={args.work}/")
    for _ in range(args.rounds):
        shutil.rmtree(cache, ignore_errors=True)
        for what, e in (("native", env), ("first", watched), ("cached", watched)):
            seconds[what].append(timed([program], e, args.work)[1:])
    mega = os.path.getsize(program) / 1e6
    base = [statistics.median(s[i] for s in seconds["native"]) for i in (0, 1)]
    for what, bar in (("first", 0.5), ("cached", 0.05)):
        cpu, wall = (statistics.median(s[i] for s in seconds[what]) - base[i] for i in (0, 1))
        name = "the first time" if what == "first" else "from the cache"
        yield f"an executable of {mega:.0f} MB, nearly all code, with races on, more than natively: {name}", f"{cpu:.3f} s of CPU, {wall:.3f} s", f"{bar} s"


# ---- a hang of 2,000 threads, a look at a server: the tests' own measurements ------------------------------------------------------

def of_test(args, name, pattern, long="1"):
    """What a test of testsuite/harm prints, by a pattern; None when it fails or does not say."""
    work = os.path.join(args.work, name)
    os.makedirs(work, exist_ok=True)
    env = plain_environment(BUILD=args.build, HERE=os.path.join(SUITE, "harm"), WORK=work, LONG=long)
    result = subprocess.run(["bash", "-u", os.path.join(SUITE, "harm", name + ".sh")], env=env, cwd=work, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False)
    found = re.search(pattern, result.stdout)
    shutil.rmtree(work, ignore_errors=True)
    return found.groups() if found else None


def hang(args):
    samples = [of_test(args, "bighang", r"2000 threads: explained after ([\d.]+) s") for _ in range(args.rounds)]
    seconds = [float(s[0]) for s in samples if s]
    yield "a hang of 2,000 threads, from the last step to the end of `twatch run`", f"{statistics.median(seconds):.2f} s" if seconds else "not explained", "2 s"


def status(args):
    said = of_test(args, "status_servers", r"(\d+) held locks compared, (\d+) wrong.*?; (\d+) ms of processor time a call, at most (\d+)", long="0") if shutil.which("gdb") and shutil.which("memcached") else None
    yield "`twatch status` on a loaded memcached, CPU of a call", f"{said[2]} ms, at most {said[3]} ms" if said else "no gdb or no memcached", "50 ms"


# ---- the analyzer ------------------------------------------------------------------------------------------------------------

def record_maker(args):
    out = os.path.join(args.work, "large-records")
    subprocess.run(["cc", "-std=gnu11", "-O1", "-I" + os.path.join(ROOT, "preload", "format"), "-I" + os.path.join(SUITE, "lib"), "-o", out,
                    os.path.join(SUITE, "unit", "rep_large.c"), os.path.join(SUITE, "lib", "mkrecord.c")], check=True)
    return out


def reported(args, record, rounds):
    """Medians of (CPU, wall) of `twatch report` on a record, and the report."""
    report = os.path.join(args.work, "report.json")
    samples = [timed([os.path.join(args.build, "twatch"), "report", "--format=json", "--output=" + report, record], plain_environment(), args.work)[1:] for _ in range(rounds)]
    with open(report, encoding="utf-8") as stream:
        return statistics.median(s[0] for s in samples), statistics.median(s[1] for s in samples), json.load(stream)


def analyzer(args):
    maker, record = record_maker(args), os.path.join(args.work, "large.record")
    for count in (250000, 500000, 1000000):
        subprocess.run([maker, "dependencies", record, str(count)], check=True)
        cpu, wall, report = reported(args, record, args.rounds)
        yield f"`twatch report` on {count:,} distinct lock dependencies without a cycle", f"{cpu:.2f} s of CPU, {wall:.2f} s" + (", a false cycle" if report["findings"] else ""), "2 s" if count == 1000000 else "linear"
    program = os.path.join(args.build, "twatch")
    subprocess.run([maker, "findings", record, program, "50000", "20000"], check=True)
    cpu, wall, report = reported(args, record, args.rounds)
    steps = [s for f in report["findings"] for s in f["steps"]]
    named = sum(frame.get("function") is not None for s in steps for frame in s.get("stack") or ())
    yield (f"`twatch report` on 100,000 stacks of 12 frames at 20,000 places, {len(report['findings']):,} findings written as JSON, {named:,} frames named",
           f"{cpu:.2f} s of CPU, {wall:.2f} s", "5 s")


# ---- the ticket counter ----------------------------------------------------------------------------------------------------------

def ticket(args):
    """Found, run for run, and what a run takes: the seed's example, start and report included."""
    source, out = os.path.join(SUITE, "cases", "data-race", "ticket_global.c"), os.path.join(args.work, "ticket")
    runs = 100
    subprocess.run(["cc", "-O2", "-g", "-pthread", "-o", out, source], check=True)
    tools = {"native": ([out], plain_environment(), 0),
             "twatch": ([os.path.join(args.build, "twatch"), "run", "--format=json", "--output=found.json", "--", out], plain_environment(), 66),
             "twatch, no report": ([out], plain_environment(LD_PRELOAD=os.path.join(args.build, "libtwatch.so"), TWATCH_OPTIONS=f"races=on:report=off:log_path={args.work}/"), None)}
    if subprocess.run(["gcc", "-O2", "-g", "-pthread", "-fsanitize=thread", "-o", out + "-tsan", source], stderr=subprocess.DEVNULL, check=False).returncode == 0:
        tools["gcc TSan"] = ([out + "-tsan"], plain_environment(TSAN_OPTIONS="exitcode=66"), 66)
    if args.peers and shutil.which("valgrind"):
        tools["helgrind"] = (["valgrind", "-q", "--tool=helgrind", "--error-exitcode=66", out], plain_environment(), 66)
    samples = {tool: [] for tool in tools}
    for i in range(runs):
        for tool, (command, env, _) in tools.items():
            if i < 10 or tools[tool][2] == 66:
                samples[tool].append(timed(command, env, args.work))
                for name in os.listdir(args.work):
                    if name.endswith(".twatch"):
                        os.unlink(os.path.join(args.work, name))
    for tool, (_, _, status_found) in tools.items():
        found = sum(s[0] == status_found for s in samples[tool])
        what = f"found in {found} of {len(samples[tool])} runs, " if status_found == 66 else ""
        yield f"the ticket counter (ten threads, no lock), {tool}", f"{what}{1000 * statistics.median(s[1] for s in samples[tool]):.0f} ms of CPU a run", "100 of 100, less than TSan" if tool == "twatch" else ""


FIGURES = [("load", load), ("hang", hang), ("status", status), ("analyzer", analyzer), ("ticket", ticket)]
