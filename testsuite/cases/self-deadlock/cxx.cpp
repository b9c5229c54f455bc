// std::mutex taken twice through two guards.
// HANGS
#include <mutex>
#include <thread>

static std::mutex m;

static void inner() {
    std::lock_guard<std::mutex> guard(m); // EXPECT(self-deadlock): the second request
}

int main() {
    std::thread t([] {
        std::lock_guard<std::mutex> guard(m); // EXPECT(self-deadlock): taken here
        inner();
    });
    t.join();
}
