// Locks in constructors and destructors of static and thread-local objects, and in guarded initialisers.
// CLEAN
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

static std::mutex registry;

struct Registered {
    explicit Registered(const char *n) : name(n) { std::lock_guard<std::mutex> guard(registry); }
    ~Registered() { std::lock_guard<std::mutex> guard(registry); }
    std::string name;
};

static Registered first("first");
static thread_local Registered per_thread("per thread");

static const Registered &lazily() {
    static Registered lazy("lazy");
    return lazy;
}

int main() {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++)
        threads.emplace_back([] {
            if (lazily().name.empty() || per_thread.name.empty()) std::terminate();
        });
    for (auto &t : threads)
        t.join();
}
