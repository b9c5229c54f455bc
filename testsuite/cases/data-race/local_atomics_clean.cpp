// Atomic variables that are local to main, touched by single plain moves only: what they are stands in the debug
// information alone.
// CLEAN
// FLAGS: -O2 -g
// OFTEN: 5
#include <atomic>
#include <thread>

struct progress {
    long unrelated;
    std::atomic<int> done[3];
};

int main() {
    std::atomic<bool> stop{false};
    std::atomic<int> seen{0};
    progress p{};
    std::thread worker([&] {
        for (int i = 0; i < 1000 && !stop.load(std::memory_order_relaxed); i++)
            p.done[1].store(i, std::memory_order_relaxed);
    });
    for (int i = 0; i < 100; i++)
        seen.store(p.done[1].load(std::memory_order_relaxed), std::memory_order_relaxed);
    stop.store(true, std::memory_order_release);
    worker.join();
    return seen.load(std::memory_order_relaxed) < 0;
}
