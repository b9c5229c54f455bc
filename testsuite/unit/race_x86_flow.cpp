// Control flow that leaves the straight path: exceptions through instrumented frames, longjmp, coroutines by
// swapcontext, virtual calls, threads, a signal handler that runs on its own stack. Prints one line, the same with and
// without instrumentation.
#include <atomic>
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <ucontext.h>
#include <vector>

namespace {

struct Base {
    virtual ~Base() = default;
    virtual int step(int) = 0;
};

struct Thrower : Base {
    int n = 0;
    int step(int x) override {
        n += x;
        if (n % 7 == 0) throw std::runtime_error("seven");
        return n;
    }
};

struct Mapper : Base {
    std::map<int, std::string> m;
    int step(int x) override {
        m[x % 50] += "b";
        if (m[x % 50].size() > 5) throw x;
        return static_cast<int>(m.size());
    }
};

struct Guard {
    int &count;
    explicit Guard(int &c) : count(c) { count++; }
    ~Guard() { count--; }
};

int descend(int n, int &live) {
    Guard guard(live);
    if (n == 0) throw std::out_of_range("bottom");
    return descend(n - 1, live) + 1;
}

ucontext_t main_context, other_context;
int switches;

void coroutine() {
    for (;;) {
        switches++;
        swapcontext(&other_context, &main_context);
    }
}

jmp_buf back;

__attribute__((noinline)) void jump_from(int n) {
    if (n > 3) longjmp(back, n);
    jump_from(n + 1);
}

volatile int handled;

void on_signal(int) {
    handled = handled + 1;
}

} // namespace

int main() {
    std::vector<std::unique_ptr<Base>> objects;
    objects.emplace_back(new Thrower);
    objects.emplace_back(new Mapper);
    long sum = 0;
    int caught = 0, live = 0, jumps = 0;
    for (int i = 0; i < 2000; i++) {
        try {
            sum += objects[static_cast<size_t>(i % 2)]->step(i);
        } catch (const std::exception &e) {
            caught += e.what()[0];
        } catch (int x) {
            caught += x;
            static_cast<Mapper &>(*objects[1]).m.clear();
        }
    }
    for (int i = 0; i < 50; i++) {
        try {
            descend(i, live);
        } catch (const std::out_of_range &) {
            caught++;
        }
    }
    static char stack[65536], alternate[65536];
    getcontext(&other_context);
    other_context.uc_stack.ss_sp = stack;
    other_context.uc_stack.ss_size = sizeof stack;
    makecontext(&other_context, coroutine, 0);
    for (int i = 0; i < 100; i++)
        swapcontext(&main_context, &other_context);
    for (volatile int i = 0; i < 50; i = i + 1) {
        int from = setjmp(back);
        if (from == 0) jump_from(i % 3);
        jumps += from;
    }
    stack_t own = {};
    own.ss_sp = alternate;
    own.ss_size = sizeof alternate;
    sigaltstack(&own, nullptr);
    struct sigaction action = {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_ONSTACK;
    sigaction(SIGUSR1, &action, nullptr);
    for (int i = 0; i < 10; i++)
        raise(SIGUSR1);
    std::atomic<long> total{0};
    std::vector<std::thread> threads;
    std::function<long(long)> fib = [&](long n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); };
    for (int t = 0; t < 4; t++)
        threads.emplace_back([&, t] {
            total += fib(12 + t);
            try {
                throw t;
            } catch (int x) {
                total += x;
            }
        });
    for (auto &t : threads)
        t.join();
    std::printf("%ld %d %d %d %d %d %ld\n", sum, caught, live, switches, jumps, handled, total.load());
}
