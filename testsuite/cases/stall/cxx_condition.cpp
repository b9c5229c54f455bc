// std::condition_variable notified before the wait, without a predicate.
// HANGS
// EXPECT(stall)
// ALLOW(lost-wakeup)
#include "step.h"
#include <condition_variable>
#include <mutex>
#include <thread>

static std::mutex m;
static std::condition_variable c;

int main() {
    std::thread t([] {
        await(1);
        std::unique_lock<std::mutex> lock(m);
        c.wait(lock); // EXPECT(lost-wakeup): waits for a signal that is past
    });
    c.notify_one();
    step(1);
    t.join();
}
