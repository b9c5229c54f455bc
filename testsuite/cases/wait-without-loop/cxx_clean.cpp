/* std::condition_variable, with a predicate and with a loop of one's own: all waits go through one place in libstdc++. */
// OPTIONS: spurious_wakeups=on
// CLEAN
// COUNT(wait-without-loop): 0
#include <condition_variable>
#include <mutex>
#include <thread>

static std::mutex m;
static std::condition_variable c, d;
static int items, room;

int main() {
    std::thread consumer([] {
        std::unique_lock<std::mutex> hold(m);
        c.wait(hold, [] { return items > 0; });
        while (room == 0) d.wait(hold);
    });
    {
        std::lock_guard<std::mutex> hold(m);
        items = 1;
    }
    c.notify_one();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    {
        std::lock_guard<std::mutex> hold(m);
        room = 1;
    }
    d.notify_one();
    consumer.join();
    return 0;
}
