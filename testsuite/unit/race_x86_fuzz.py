#!/usr/bin/python3
"""Small generated C programs must print the same with and without instrumentation.

usage: race_x86_fuzz.py LIBRARY [COUNT [SEED]]     LIBRARY: race_x86_counting.c, built as a library to preload, or libtwatch.so
Each program is built by gcc or clang at some -O level, PIE or not, and run natively, with int3 in all dead code, and with checks.
Under libtwatch.so the whole engine runs, and `twatch report` must find nothing: the programs join every thread that they create.
"""
import os, random, subprocess, sys, tempfile

TYPES = ["int", "unsigned", "long", "unsigned long", "short", "unsigned char", "float", "double"]
INTS = TYPES[:6]


class Program:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.lines = []
        self.functions = []

    def expr(self, depth, names):
        r = self.r
        if depth <= 0 or r.random() < 0.2:
            pick = r.random()
            if pick < 0.35:
                return str(r.randint(-100, 100))
            if pick < 0.6:
                return "(long)g%d" % r.randrange(6)
            if pick < 0.75:
                return "(long)arr[(unsigned long)(%s) %% 32]" % r.choice(names)
            if pick < 0.85:
                return "(long)s.f%d" % r.randrange(5)
            return r.choice(names)
        a, b = self.expr(depth - 1, names), self.expr(depth - 1, names)
        op = r.choice(["+", "-", "*", "&", "|", "^", "<", ">", "==", "<<", ">>", "/", "%", "?"])
        if op in ("<<", ">>"):
            return "((long)((unsigned long)(%s) %s ((%s) & 31)))" % (a, op, b)
        if op in ("/", "%"):
            return "((%s) %s (((%s) & 15) + 1))" % (a, op, b)
        if op == "?":
            return "((%s) ? (%s) : (%s))" % (self.expr(depth - 1, names), a, b)
        if op in "+-*":
            return "(long)((unsigned long)(%s) %s (unsigned long)(%s))" % (a, op, b)
        return "((%s) %s (%s))" % (a, op, b)

    def statement(self, depth, names, level):
        r = self.r
        e = lambda: self.expr(2, names)
        kinds = ["global", "array", "field", "if", "loop", "switch", "call", "string", "vector", "goto", "float", "atomic", "memory",
                 "setjmp", "varargs", "thread", "pointer", "bits", "rotate", "local"]
        k = r.choice(kinds if depth > 0 else ["global", "array", "field", "float", "bits", "local", "pointer"])
        n = r.randrange(6)
        if k == "global":
            return "g%d %s %s;" % (n, r.choice(["=", "+=", "^="]), "(int)(%s)" % e())
        if k == "local":
            return "%s ^= %s;" % (r.choice(names), e())
        if k == "array":
            return "arr[(unsigned long)(%s) %% 32] %s %s;" % (e(), r.choice(["=", "+=", "-="]), "(short)(%s)" % e())
        if k == "field":
            return "s.f%d = (int)(%s) + (int)s.f%d;" % (r.randrange(5), e(), r.randrange(5))
        if k == "bits":
            return "s.b%d = (unsigned)(%s); s.f0 += s.b%d;" % (r.randrange(3), e(), r.randrange(3))
        if k == "if":
            return "if (%s) { %s } else { %s }" % (e(), self.block(depth - 1, names, level), self.block(depth - 1, names, level))
        if k == "loop":
            v = "i%d" % level
            return "for (long %s = 0; %s < %d; %s++) { %s }" % (v, v, r.randint(1, 9), v, self.block(depth - 1, names + [v], level + 1).replace("%s ^=" % v, "g0 ^="))
        if k == "switch":
            cases = " ".join("case %d: %s%s" % (c, self.block(depth - 1, names, level), "" if r.random() < 0.15 else " break;")
                             for c in range(r.choice([3, 6, 11, 20])))
            return "switch ((unsigned long)(%s) %% 23) { %s default: g1++; }" % (e(), cases)
        if k == "call" and self.functions:
            return "%s += %s(%s, %s);" % (r.choice(names), r.choice(self.functions), e(), e())
        if k == "string":
            return "{ char t[64]; snprintf(t, sizeof t, \"%%ld/%%s\", (long)(%s), text); strncat(text, t, sizeof text - strlen(text) - 1); " \
                   "if (strlen(text) > 150) memmove(text, text + 50, strlen(text) - 49); g2 += (int)strlen(text); }" % e()
        if k == "vector":
            return "{ v4 va = vec, vb = {(int)(%s), 1, 2, (int)(%s)}; vec = va * vb + (va ^ vb); wide += __builtin_convertvector(vec, d4); g3 += vec[%d]; }" % (e(), e(), r.randrange(4))
        if k == "float":
            return "d = d * 0.5 + (double)((%s) %% 1000) / 3.0; fl += (float)d; g4 += (int)fl;" % e()
        if k == "atomic":
            return r.choice(["__atomic_fetch_add(&counter, %s, __ATOMIC_SEQ_CST);", "g5 += (int)__atomic_exchange_n(&counter, %s, __ATOMIC_ACQ_REL);",
                             "{ long want = counter; __atomic_compare_exchange_n(&counter, &want, %s, 0, 5, 5); g5 += (int)want; }",
                             "if (__atomic_sub_fetch(&counter, (%s) & 7, 5) == 0) g5++;",
                             "__atomic_store_n(&counter, %s, 5); __atomic_thread_fence(5);"]) % e()
        if k == "memory":
            return "{ struct big *p = malloc(sizeof *p), q; memset(p, (int)(%s), sizeof *p); p->x[%d] = (int)(%s); q = *p; g0 += q.x[%d] + q.tail; " \
                   "g1 += memcmp(&q, p, sizeof q); free(p); }" % (e(), r.randrange(40), e(), r.randrange(40))
        if k == "setjmp":
            return "{ static jmp_buf j; volatile int seen = 0; if (setjmp(j) == 0) { seen = 1; g2 ^= 3; if ((%s) & 1) longjmp(j, 2); } else g2 += seen; }" % e()
        if k == "thread":
            return "{ long t[3] = {(long)(%s), 2, 3}; spawn(t + 1); t[2] ^= t[0]; %s += t[0] + t[1] + t[2]; }" % (e(), r.choice(names))
        if k == "varargs":
            return "g3 += (int)sum(%d, %s, (long)(%s), (long)(%s));" % (3, "(long)g1", e(), e())
        if k == "pointer":
            return "{ int *p = (%s) & 1 ? &g0 : &g1; *p += (int)(%s); *p = *p * 3; }" % (e(), e())
        if k == "goto":
            return "{ static void *const to[] = {&&A%d, &&B%d, &&C%d}; goto *to[(unsigned long)(%s) %% 3]; A%d: g0++; B%d: g1 ^= g0; C%d: g2++; }" % (
                self.label(), self.n, self.n, e(), self.n, self.n, self.n)
        if k == "rotate":
            return "{ unsigned u = (unsigned)(%s); g4 ^= (int)(u << 7 | u >> 25); g5 += __builtin_popcount(u) + __builtin_clz(u | 1); }" % e()
        return "g0++;"

    n = 0

    def label(self):
        self.n += 1
        return self.n

    def block(self, depth, names, level):
        return " ".join(self.statement(depth, names, level) for _ in range(self.r.randint(1, 3)))

    def text(self):
        r = self.r
        out = ["#include <pthread.h>", "#include <setjmp.h>", "#include <stdarg.h>", "#include <stdio.h>", "#include <stdlib.h>", "#include <string.h>",
               "typedef int v4 __attribute__((vector_size(16))); typedef double d4 __attribute__((vector_size(32)));",
               "struct big { int x[40]; short tail; };",
               "static struct { char f0; short f1; int f2; long f3; unsigned char f4; unsigned b0 : 3, b1 : 11, b2 : 5; } s;",
               "static short arr[32]; static char text[256] = \"x\"; static v4 vec = {1, 2, 3, 4}; static d4 wide; static double d = 1; static float fl; static long counter; static int fuel = 3000, threads = 20;"]
        for i in range(6):
            out.append("%sint g%d = %d;" % (r.choice(["static ", ""]), i, r.randint(0, 99)))
        out.append("static long sum(int n, ...) { va_list a; long t = 0; va_start(a, n); while (n--) t += va_arg(a, long); va_end(a); return t; }")
        out.append("static void *child(void *p) { long *v = p; v[0] += 5; v[1] -= v[0]; return p; }")
        out.append("static __attribute__((noinline)) void spawn(long *p) { pthread_t t; if (--threads < 0) return; if (pthread_create(&t, 0, child, p)) abort(); pthread_join(t, 0); }")
        for i in range(r.randint(2, 6)):
            name = "f%d" % i
            kind = r.choice(["static ", "static __attribute__((noinline)) ", "", "__attribute__((noinline)) "])
            body = self.block(3, ["a", "b", "c"], 0)
            out.append("%slong %s(long a, long b) { static int depth; long c = a ^ b; if (depth > 3 || --fuel < 0) return c; depth++; %s depth--; return a + b * 3 + c; }" % (kind, name, body))
            self.functions.append(name)
        calls = "".join("r ^= %s(%d, r); " % (f, r.randint(-9, 99)) for f in self.functions)
        out.append("int main(void) { long r = 1, first[3] = {1, 2, 3}; spawn(first); for (int k = 0; k < 5; k++) { %s }" % calls)
        out.append("for (int i = 0; i < 32; i++) r = r * 31 + arr[i];")
        out.append("printf(\"%ld %d %d %d %d %d %d %s %d %g %ld %d\\n\", r, g0, g1, g2, g3, g4, g5, text, vec[0] ^ vec[1] ^ vec[2] ^ vec[3], (double)fl, counter, s.f2); return (int)(r & 63); }")
        return "\n".join(out)


def run(argv, env=None):
    try:
        p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=10, env=env)
        return p.returncode, p.stdout, p.stderr
    except subprocess.TimeoutExpired:
        return "timeout", b"", b""


def modes(library, where):
    """What to put into the environment, run by run."""
    if os.path.basename(library) != "libtwatch.so":
        return [{"RACE_X86_MODE": "trampolines", "RACE_X86_SELFTEST": "1"}, {"RACE_X86_MODE": "checks"}, {"RACE_X86_MODE": "checks", "RACE_X86_SELFTEST": "1"}]
    options = "report=off:log_path=%s/record.twatch" % where
    return [{"TWATCH_OPTIONS": options}, {"TWATCH_OPTIONS": options + ":races_selftest=on"}]


def findings(library, where):
    """What the analyzer says about the record that a run left, which is removed."""
    records = [os.path.join(where, n) for n in os.listdir(where) if n.startswith("record")]
    if os.path.basename(library) != "libtwatch.so":
        return ""
    if not records:
        return "no record"
    status, out, err = run([os.path.join(os.path.dirname(library), "twatch"), "report"] + records)
    for r in records:
        os.unlink(r)
    return (out + err).decode(errors="replace") if status != 0 else ""


def main():
    library, count = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 20
    first = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    failures = skipped = 0
    with tempfile.TemporaryDirectory() as where:
        for seed in range(first, first + count):
            rng = random.Random(seed * 7919)
            source, exe = os.path.join(where, "p.c"), os.path.join(where, "p")
            with open(source, "w") as f:
                f.write(Program(seed).text())
            flags = [rng.choice(["gcc", "clang"]), rng.choice(["-O0", "-O1", "-O2", "-O3", "-Os", "-Og"])]
            flags += rng.choice([[], ["-fno-pie", "-no-pie"], ["-fcf-protection=none"], ["-mavx2"], ["-fno-omit-frame-pointer"], ["-march=haswell", "-mno-fma"], ["-march=native", "-mno-fma"], ["-fno-plt", "-Wl,-z,now"],
                                 ["-ffunction-sections", "-falign-functions=1", "-falign-loops=1"], ["-fcf-protection=full"], ["-funroll-loops"]])
            if run(flags + ["-w", "-fwrapv", "-fno-strict-aliasing", "-ffp-contract=off", "-o", exe, source, "-lm", "-lpthread"])[0] != 0:
                skipped += 1
                continue
            want = run([exe])
            for mode in modes(library, where):
                got = run([exe], dict(os.environ, LD_PRELOAD=library, **mode))
                if got != want:
                    failures += 1
                    print("seed %d %s %s: %r, native %r" % (seed, " ".join(flags), mode, got, want))
                said = findings(library, where)
                if said:
                    failures += 1
                    print("seed %d %s %s: %s" % (seed, " ".join(flags), mode, said))
    print("race_x86_fuzz: %d programs, %d not built, %d differ" % (count - skipped, skipped, failures))
    return 1 if failures or skipped > count // 4 else 0


sys.exit(main())
