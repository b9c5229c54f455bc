// std::mutex through std::lock_guard: the project's lines are shown, not only the library's.
#include "step.h"
#include <mutex>
#include <thread>

static std::mutex front, back;

static void push() {
    std::lock_guard<std::mutex> a(front); // EXPECT(lock-order-cycle): held here
    std::lock_guard<std::mutex> b(back);  // EXPECT(lock-order-cycle): wanted here
    step(1);
}

static void pop() {
    await(1);
    nap_ms(20);
    std::lock_guard<std::mutex> a(back);  // EXPECT(lock-order-cycle): held here
    std::lock_guard<std::mutex> b(front); // EXPECT(lock-order-cycle): wanted here
    step(2);
}

int main() {
    std::thread one(push), two(pop);
    one.join();
    two.join();
}
