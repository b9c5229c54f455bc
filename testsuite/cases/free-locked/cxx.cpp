// delete of an object whose std::mutex is held.
#include <mutex>
#include <thread>

struct Session {
    std::mutex lock;
    int n = 0;
};

// ALLOW(lock-held-at-thread-exit, destroy-locked)
int main() {
    std::thread t([] {
        auto *s = new Session;
        s->lock.lock(); // EXPECT(free-locked): taken here
        delete s;       // EXPECT(free-locked): freed here
    });
    t.join();
}
