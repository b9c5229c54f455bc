// A queue with a mutex and a condition variable hands heap objects from producers to consumers, which delete them.
// CLEAN
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

static std::mutex m;
static std::condition_variable c;
static std::deque<std::unique_ptr<std::string>> queue;
static int total;

int main() {
    std::vector<std::thread> threads;
    for (int p = 0; p < 2; p++)
        threads.emplace_back([p] {
            for (int i = 0; i < 100; i++) {
                auto s = std::make_unique<std::string>(static_cast<size_t>(20 + p), 'x');
                std::lock_guard<std::mutex> lock(m);
                queue.push_back(std::move(s));
                c.notify_one();
            }
        });
    for (int k = 0; k < 2; k++)
        threads.emplace_back([] {
            for (int i = 0; i < 100; i++) {
                std::unique_lock<std::mutex> lock(m);
                c.wait(lock, [] { return !queue.empty(); });
                auto s = std::move(queue.front());
                queue.pop_front();
                lock.unlock();
                size_t n = s->size();
                s.reset();
                lock.lock();
                total += static_cast<int>(n);
            }
        });
    for (auto &t : threads)
        t.join();
    return total == 4100 ? 0 : 1;
}
