// pthread_once, std::call_once and a function's static variable.
// CLEAN
// MATRIX
#include <mutex>
#include <pthread.h>
#include <string>
#include <thread>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static std::once_flag flag;
static int a, b;
static void init() {
    a = 1;
}

static const std::string &name() {
    static const std::string n("a name that is long enough for the heap");
    return n;
}

static void work() {
    pthread_once(&once, init);
    std::call_once(flag, [] { b = 2; });
    if (a + b != 3 || name().size() < 10) abort();
}

int main() {
    std::thread t(work), u(work), v(work);
    t.join();
    u.join();
    v.join();
}
