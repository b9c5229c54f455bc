// std::mutex in two threads that meet.
// HANGS
#include "step.h"
#include <mutex>
#include <thread>

static std::mutex a, b;

static void one() {
    std::lock_guard<std::mutex> x(a); // EXPECT(deadlock): held here
    step_next();
    await(2);
    std::lock_guard<std::mutex> y(b); // EXPECT(deadlock): waits here
}

static void two() {
    std::lock_guard<std::mutex> x(b); // EXPECT(deadlock): held here
    step_next();
    await(2);
    std::lock_guard<std::mutex> y(a); // EXPECT(deadlock): waits here
}

int main() {
    std::thread t(one), u(two);
    t.join();
    u.join();
}
