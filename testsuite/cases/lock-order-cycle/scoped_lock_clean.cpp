// std::scoped_lock and std::lock take both orders without a deadlock: they try and back off.
// CLEAN
#include <mutex>
#include <thread>

static std::mutex a, b;
static int balance;

int main() {
    std::thread one([] {
        for (int i = 0; i < 300; i++) {
            std::scoped_lock both(a, b);
            balance++;
        }
    });
    std::thread two([] {
        for (int i = 0; i < 300; i++) {
            std::unique_lock<std::mutex> x(b, std::defer_lock), y(a, std::defer_lock);
            std::lock(x, y);
            balance--;
        }
    });
    one.join();
    two.join();
    return balance;
}
