#!/bin/bash
# What fails a build: every --fail-on with what is left after suppressions and a baseline, every value that an option does not take, every format.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
: "${BUILD:=build}"
case $BUILD in /*) ;; *) BUILD=$root/$BUILD ;; esac
exec timeout 300 /usr/bin/python3 -I - "$BUILD/twatch" "$root" <<'P'
import itertools, json, os, re, subprocess, sys, tempfile

twatch, root = sys.argv[1:3]
passed = failed = 0
SEVERITIES = ["note", "warning", "error"]


def check(what, condition, said=""):
    global passed, failed
    if condition:
        passed += 1
    else:
        failed += 1
        print(f"FAIL {what}: {said[-300:]}")


def run(*arguments, command="report", env=None):
    done = subprocess.run([twatch, command, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                          env={"PATH": os.environ["PATH"], "HOME": "/", **(env or {})}, timeout=60)
    return done.returncode, done.stdout, done.stderr


with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    # Records with one finding of each severity, made by running programs: a cycle, a thread that nobody joins, a lock held at the end.
    sources = {
        "error": "static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER; static void *f(void *x) { pthread_mutex_lock(&a); return x; }\n"
                 "int main(void) { pthread_t t; pthread_create(&t, 0, f, 0); pthread_join(t, 0); return 0; }\n",
        "warning": "static void *f(void *x) { return x; }\nint main(void) { pthread_t t; pthread_create(&t, 0, f, 0); usleep(50000); return 0; }\n",
        "note": "static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER; static void *f(void *x) { return x; }\n"
                "int main(void) { pthread_t t; pthread_create(&t, 0, f, 0); pthread_join(t, 0); pthread_mutex_lock(&a); return 0; }\n",
        "nothing": "static void *f(void *x) { return x; }\nint main(void) { pthread_t t; pthread_create(&t, 0, f, 0); pthread_join(t, 0); return 0; }\n"}
    for name, text in sources.items():
        with open(name + ".c", "w") as stream:
            stream.write("#include <pthread.h>\n#include <unistd.h>\n" + text)
        subprocess.run(["cc", "-g", "-pthread", "-o", name, name + ".c"], check=True)
        run(f"--log-path={name}.d/", "--keep", "--races=off", "--", "./" + name, command="run")
        run(f"--write-baseline={name}.base", "--fail-on=never", name + ".d")
        with open(name + ".supp", "w") as stream:
            stream.write(run("--gen-suppressions", name + ".d")[1])
        kinds = [f["severity"] for f in json.loads(run("--format=json", name + ".d")[1])["findings"]]
        check(f"{name}: its findings are {kinds}", kinds == ([] if name == "nothing" else [name]))

    # Everything together: which severities are there, what takes them away, what is asked for.
    for there in itertools.chain.from_iterable(itertools.combinations(SEVERITIES, n) for n in range(4)):
        directories = [s + ".d" for s in there] or ["nothing.d"]
        for fail_on in SEVERITIES + ["never", None]:
            for away in [None, *there]:
                for how in ("suppressions", "baseline") if away else (None,):
                    options = ([f"--fail-on={fail_on}"] if fail_on else []) + ([f"--{how}={away}.{how[:4]}"] if away else [])
                    left = [s for s in there if s != away]
                    lowest = 3 if fail_on == "never" else SEVERITIES.index(fail_on or "error")
                    want = 66 if any(SEVERITIES.index(s) >= lowest for s in left) else 0
                    status, out, err = run(*options, *directories)
                    check(f"report {options} {directories}: {status} instead of {want}", status == want, err)
    for number in ("0", "1", "99", "255"):
        check("--error-exitcode=" + number, run("--error-exitcode=" + number, "error.d")[0] == int(number))
    for number in ("256", "-1", "x", "", "1x", "1e9"):
        check("--error-exitcode=" + number, run("--error-exitcode=" + number, "error.d")[0] == 125)
    # The command's own status: passed through when there is nothing to report, behind the findings'.
    for program, own, want in (("nothing", 0, 0), ("nothing", 7, 7), ("error", 7, 66), ("warning", 7, 7)):
        status, _, err = run("--races=off", "--", "sh", "-c", f"./{program}; exit {own}", command="run")
        check(f"run {program}, then exit {own}: {status} instead of {want}", status == want, err)

    # Every option: a value that it takes, and values that it does not.
    status, table, _ = run("options", command="help")
    rows = re.findall(r"^  (\w+)=(\S+)$", table, re.M)
    check("twatch help options lists options", len(rows) > 20)
    bad = {"on|off": ["maybe", "", "2"], "number": ["x", "", "1.5", "1x", "--1"], "seconds": ["soon", "", "1h", "-1"], "size": ["12q", "", "-1", "1.5g"]}
    for key, kind in rows:
        for value in bad.get(kind, ["nonsense", ""] if "|" in kind else []):
            status, out, err = run(f"--{key}={value}", "nothing.d")
            check(f"--{key}={value!r}: {status}", status == 125 and key in err and out == "", err)
            status, out, err = run("nothing.d", env={"TWATCH_OPTIONS": f"{key}='{value}'"})
            check(f"TWATCH_OPTIONS={key}={value!r}: {status}", status == 0 and key in err, err)
        for value in kind.split("|") if "|" in kind and key not in ("help",) else []:
            check(f"--{key}={value}", run(f"--{key}={value}", "nothing.d")[0] == 0)
    for option in ("--nonsense", "--nonsense=1", "--format=xml", "--format=", "--output=", "--timeout=soon", "--timeout=0", "--baseline=not-there",
                   "--suppressions=not-there", "--baseline=error.c", "--suppressions=error.c", "--write-baseline=/nowhere/b", "-x"):
        status, out, err = run(option, "error.d")
        check(f"{option}: {status}", status == 125 and err.startswith("twatch: "), err)
    # Every format goes to a file, to standard output, and nowhere else; an output that cannot be written is trouble.
    for form in ("text", "json", "sarif", "junit", "html", "dot", "github"):
        status, out, err = run("--format=" + form, "error.d")
        check(f"{form} on standard output", status == 66 and out)
        status, nothing, err = run("--format=" + form, "--output=file", "error.d")
        check(f"{form} in a file", status == 66 and nothing == "" and open("file").read() == out)
        check(f"{form} to a full device", run("--format=" + form, "--output=/dev/full", "error.d")[0] == 125)
        check(f"{form} to nowhere", run("--format=" + form, "--output=/nowhere/file", "error.d")[0] == 125)
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
P
