// Exceptions through many frames, longjmp, and cancellation that runs destructors.
// CLEAN
#include <csetjmp>
#include <mutex>
#include <pthread.h>
#include <stdexcept>
#include <thread>
#include <unistd.h>

static std::mutex m;
static pthread_mutex_t c_lock = PTHREAD_MUTEX_INITIALIZER;
static int caught;

static void deep(int n) {
    std::lock_guard<std::mutex> guard(m);
    if (n == 0) throw std::logic_error("bottom");
    m.unlock();
    try {
        deep(n - 1);
    } catch (...) {
        m.lock();
        throw;
    }
    m.lock();
}

static void jump() {
    static thread_local jmp_buf back;
    if (setjmp(back) == 0) {
        pthread_mutex_lock(&c_lock);
        pthread_mutex_unlock(&c_lock);
        longjmp(back, 1);
    }
}

static void *sleeper(void *arg) {
    struct Guard {
        Guard() { pthread_mutex_lock(&c_lock); }
        ~Guard() { pthread_mutex_unlock(&c_lock); }
    } guard;
    sleep(100);
    return arg;
}

int main() {
    auto work = [] {
        for (int i = 0; i < 50; i++)
            try {
                jump();
                deep(5);
            } catch (const std::logic_error &) {
                std::lock_guard<std::mutex> guard(m);
                caught++;
            }
    };
    std::thread t(work), u(work);
    t.join();
    u.join();
    pthread_t s;
    pthread_create(&s, nullptr, sleeper, nullptr);
    usleep(20000);
    pthread_cancel(s);
    pthread_join(s, nullptr);
    return caught == 100 ? 0 : 1;
}
