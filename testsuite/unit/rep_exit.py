"""Exit status over every combination of severity, --fail-on, --error-exitcode, baseline, suppressions and the child's own end; and each option, on the
command line, in the environment and in .twatch.conf, with values that it cannot have. usage: rep_exit.py TWATCH"""
import itertools, os, re, subprocess, sys, tempfile

TWATCH = sys.argv[1]
PROGRAMS = {
    "error": """static void *f(void *x) { pthread_mutex_lock(&a); pthread_mutex_lock(&b); pthread_mutex_unlock(&b); pthread_mutex_unlock(&a); return x; }
static void *g(void *x) { usleep(50000); pthread_mutex_lock(&b); pthread_mutex_lock(&a); pthread_mutex_unlock(&a); pthread_mutex_unlock(&b); return x; }
static void work(void) { pthread_t t, u; pthread_create(&t, 0, f, 0); pthread_create(&u, 0, g, 0); pthread_join(t, 0); pthread_join(u, 0); }""",
    "warning": """static void *f(void *x) { return x; }
static void work(void) { pthread_t t; pthread_create(&t, 0, f, 0); usleep(100000); }""",
    "note": """static void *f(void *x) { return x; }
static void work(void) { pthread_t t; pthread_create(&t, 0, f, 0); pthread_join(t, 0); pthread_mutex_lock(&a); }""",
    "nothing": """static void *f(void *x) { return x; }
static void work(void) { pthread_t t; pthread_create(&t, 0, f, 0); pthread_join(t, 0); }""",
}
HEAD = """#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
"""
TAIL = """
int main(int argc, char **argv) { (void)a, (void)b; work(); int n = argc > 1 ? atoi(argv[1]) : 0; if (n < 0) raise(-n); return n; }
"""
RANK = {"nothing": -1, "note": 0, "warning": 1, "error": 2, "never": 3}
passed = failed = 0


def need(condition, sentence):
    global passed, failed
    if condition:
        passed += 1
    else:
        failed += 1
        print("FAIL " + sentence, flush=True)


def twatch(*arguments, **environment):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("TWATCH_", "LD_PRELOAD"))}
    got = subprocess.run([TWATCH, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, env={**env, **environment})
    return got.returncode, got.stdout + got.stderr


def build():
    for name, body in PROGRAMS.items():
        with open(name + ".c", "w", encoding="utf-8") as out:
            out.write(HEAD + body + TAIL)
        subprocess.run(["gcc", "-g", "-O1", "-pthread", "-Wno-unused-variable", "-o", name, name + ".c"], check=True)
        status, said = twatch("run", "--races=off", "--fail-on=never", "--keep", f"--log-path={name}.records/", "--", "./" + name)
        need(status == 0, f"{name}: recording ended with {status}: {said}")
        twatch("report", "--write-baseline=" + name + ".baseline", name + ".records")
        with open(name + ".supp", "w", encoding="utf-8") as out:
            out.write(twatch("report", "--gen-suppressions", name + ".records")[1])


def reports():
    for name, fail_on, code, baseline, suppressed in itertools.product(PROGRAMS, ("", "error", "warning", "note", "never"), ("", "9", "0"), (0, 1), (0, 1)):
        arguments = [f"--fail-on={fail_on}"] * bool(fail_on) + [f"--error-exitcode={code}"] * bool(code)
        arguments += [f"--baseline={name}.baseline"] * baseline + [f"--suppressions={name}.supp"] * suppressed
        counts = RANK[name] >= RANK[fail_on or "error"] and not baseline and not suppressed
        want = int(code or 66) if counts else 0
        status, said = twatch("report", *arguments, name + ".records")
        need(status == want, f"report {' '.join(arguments)} of {name}: {status} and not {want}: {said[-200:]}")
    for name in ("error", "warning", "note"):
        need(twatch("report", f"--baseline={'nothing'}.baseline", "--fail-on=note", name + ".records")[0] == 66, f"{name} is new to an empty baseline")


def runs():
    for name, fail_on, end in itertools.product(("error", "warning", "nothing"), ("error", "warning", "never"), ("0", "3", "-15")):
        found = RANK[name] >= RANK[fail_on] and not (name == "warning" and end == "-15")  # what was killed could still have joined
        want = 66 if found else 143 if end == "-15" else int(end)
        status, said = twatch("run", "--races=off", "--fail-on=" + fail_on, "--", "./" + name, end)
        need(status == want, f"run --fail-on={fail_on} of {name} that ends with {end}: {status} and not {want}: {said[-200:]}")


BAD = {"on|off": ["", "maybe", "2", "ON "], "number": ["", "x", "1x", "--1", "0x10", "9" * 30], "seconds": ["", "soon", "-1", "1h"], "size": ["", "big", "-5", "3q"]}


def options():
    table = re.findall(r"^  (\w+)=(.*)$", twatch("help", "options")[1], re.M)
    need(len(table) > 20, "the table of options is short")
    for key, words in table:
        if words == "text":
            status, said = twatch("report", "--" + key, "nothing.records")
            need(status == 125 and "needs a value" in said, f"--{key} without a value: {status}: {said}")
            continue
        for value in BAD.get(words, ["", "zzz", words]):
            line = f"{key}={value}"
            status, said = twatch("report", "--" + line, "nothing.records")
            need(status == 125 and key in said, f"--{line}: {status}: {said}")
            if value and " " not in value:
                status, said = twatch("report", "nothing.records", TWATCH_OPTIONS=line)
                need(status == 0 and "TWATCH_OPTIONS" in said and key in said, f"{line} in the environment: {status}: {said}")
            with open(".twatch.conf", "w", encoding="utf-8") as out:
                out.write(f"# one\n\n{line}\n")
            status, said = twatch("report", "nothing.records")
            need(status == 0 and ".twatch.conf:3: " in said and key in said, f"{line} in the file: {status}: {said}")
        os.unlink(".twatch.conf")


def lines():
    for arguments, want in ((["--error-exitcode=256"], "0 to 255"), (["--error-exitcode=1.5"], "whole number"), (["--error-exitcode=x"], "whole number"), (["--timeout=0"], "seconds"),
                            (["--timeout=nan"], "seconds"), (["--timeout=-3"], "seconds"), (["--format=pdf"], "no format"), (["--format"], "needs a value"), (["--output="], "--output"),
                            (["--output=a", "--output=b"], "--output"), (["--baseline="], "no file"), (["--baseline=absent"], "absent"), (["--write-baseline=no/where"], "no/where"),
                            (["--suppressions=absent"], "absent"), (["--output=no/where"], "no/where"), (["--bogus"], "bogus"), (["-x"], "-x"), (["--"], "needs a record")):
        status, said = twatch("report", *arguments, *(["nothing.records"] if arguments != ["--"] else []))
        need(status == 125 and want in said, f"report {' '.join(arguments)}: {status}: {said[:200]}")
    for form in ("text", "json", "sarif", "junit", "html", "github", "dot"):
        for more in ([], ["--verbose"], ["--threads", "--contention", "--queues"], ["--optional"], ["--quiet"], ["--color=always"]):
            status, said = twatch("report", "--format=" + form, "--output=out." + form, *more, "error.records")
            need(status == 66 and os.path.getsize("out." + form) > 0, f"report --format={form} {' '.join(more)}: {status}: {said[:200]}")


with tempfile.TemporaryDirectory(prefix="rep_exit.") as work:
    os.chdir(work)
    build()
    reports()
    runs()
    options()
    lines()
    os.chdir("/")
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
