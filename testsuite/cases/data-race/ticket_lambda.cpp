// A local variable captured by reference in the sellers' lambda.
// MATRIX
// REPEAT: 100
#include <mutex>
#include <thread>

#ifdef LOCKED
#define GUARD(m) std::lock_guard<std::mutex> guard(m)
#else
#define GUARD(m) (void)(m)
#endif

int main() {
    int tickets = 100;
    std::mutex m;
    auto sell = [&] {
        GUARD(m);
        if (tickets > 0) tickets -= 1; // EXPECT(data-race): the captured counter
    };
    std::thread a(sell), b(sell), c(sell);
    a.join();
    b.join();
    c.join();
    return tickets < 97 || tickets > 99;
}
