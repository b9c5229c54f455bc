// std::shared_mutex held shared, against a std::mutex.
#include "step.h"
#include <mutex>
#include <shared_mutex>
#include <thread>

static std::shared_mutex index_lock;
static std::mutex writer;

static void lookup() {
    std::shared_lock<std::shared_mutex> a(index_lock); // EXPECT(lock-order-cycle): held shared
    std::lock_guard<std::mutex> b(writer);             // EXPECT(lock-order-cycle): wanted here
    step(1);
}

static void insert() {
    await(1);
    nap_ms(20);
    std::lock_guard<std::mutex> a(writer);             // EXPECT(lock-order-cycle): held here
    std::unique_lock<std::shared_mutex> b(index_lock); // EXPECT(lock-order-cycle): wanted alone
    step(2);
}

int main() {
    std::thread one(lookup), two(insert);
    one.join();
    two.join();
}
