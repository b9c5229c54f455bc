// condition_variable and condition_variable_any used by the book, with every kind of wait.
// CLEAN
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>
#include <thread>

static std::mutex m;
static std::shared_mutex s;
static std::condition_variable c;
static std::condition_variable_any any;
static int n;
static bool shared_ready;

int main() {
    using namespace std::chrono_literals;
    std::thread t([] {
        std::unique_lock<std::mutex> lock(m);
        c.wait(lock, [] { return n == 1; });
        c.wait_for(lock, 5ms, [] { return n == 2; });
        n = 3;
        c.notify_all();
    });
    std::thread u([] {
        std::shared_lock<std::shared_mutex> lock(s);
        any.wait(lock, [] { return shared_ready; });
    });
    {
        std::lock_guard<std::mutex> lock(m);
        n = 1;
        c.notify_all();
    }
    {
        std::lock_guard<std::shared_mutex> lock(s);
        shared_ready = true;
    }
    any.notify_all();
    {
        std::unique_lock<std::mutex> lock(m);
        c.wait(lock, [] { return n == 3; });
    }
    t.join();
    u.join();
}
