// A std::mutex locked by hand and forgotten on one path.
// ALLOW(lock-held-at-exit)
#include <mutex>
#include <thread>

static std::mutex m;

static int work(int x) {
    m.lock(); // EXPECT(lock-held-at-thread-exit): taken here
    if (x > 3) return x;
    m.unlock();
    return 0;
}

int main() {
    std::thread t([] { work(5); });
    t.join();
}
