// An element of a std::vector.
// MATRIX
// REPEAT: 100
#include <mutex>
#include <thread>
#include <vector>

#ifdef LOCKED
#define GUARD(m) std::lock_guard<std::mutex> guard(m)
#else
#define GUARD(m) (void)(m)
#endif
static std::mutex m;

int main() {
    std::vector<int> tickets(8, 100);
    std::vector<std::thread> sellers;
    for (int i = 0; i < 10; i++)
        sellers.emplace_back([&tickets] {
            GUARD(m);
            int &left = tickets[3];
            if (left > 0) left -= 1; // EXPECT(data-race): the element
        });
    for (auto &s : sellers)
        s.join();
    return tickets[3] < 90 || tickets[3] > 99;
}
