// The initialiser of a function-local static throws and is tried again; exceptions pass through guards and locks.
// CLEAN
#include <mutex>
#include <stdexcept>
#include <thread>

static std::mutex m;
static int tries;

static int make() {
    std::lock_guard<std::mutex> guard(m);
    if (++tries < 3) throw std::runtime_error("not yet");
    return tries;
}

static int value() {
    static int v = make();
    return v;
}

static void work() {
    for (int i = 0; i < 5; i++)
        try {
            value();
        } catch (const std::runtime_error &) {
        }
}

int main() {
    std::thread t(work), u(work);
    t.join();
    u.join();
    return tries == 3 ? 0 : 1;
}
