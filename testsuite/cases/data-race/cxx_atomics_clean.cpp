// std::atomic, std::shared_ptr across threads, atomic_flag.
// CLEAN
// NEEDS: c++20
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

static std::atomic<bool> ready{false};
static std::atomic_flag busy = ATOMIC_FLAG_INIT;
static int data, counted;

static void count(std::shared_ptr<std::vector<int>> v) {
    while (busy.test_and_set(std::memory_order_acquire))
        std::this_thread::yield();
    counted += static_cast<int>(v->size());
    busy.clear(std::memory_order_release);
}

int main() {
    auto v = std::make_shared<std::vector<int>>(10, 1);
    std::thread t([] {
        while (!ready.load(std::memory_order_acquire))
            std::this_thread::yield();
        if (data != 5) abort();
    });
    std::thread a(count, v), b(count, v);
    v.reset();
    data = 5;
    ready.store(true, std::memory_order_release);
    t.join();
    a.join();
    b.join();
    return counted == 20 ? 0 : 1;
}
