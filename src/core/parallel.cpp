#include "quicksilver/core/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace quicksilver {

unsigned computing_threads() {
    constexpr unsigned threads_max = 8;
    return std::clamp(std::thread::hardware_concurrency(), 1U, threads_max);
}

Result<void> run_parallel(std::size_t count, unsigned threads, const std::function<Result<void>(std::size_t)>& work) {
    std::atomic<std::size_t> next{0};
    std::mutex mutex;  // guards the two below
    Result<void> outcome;
    std::exception_ptr thrown;
    const auto work_through = [&]() noexcept {
        for (std::size_t at = next++; at < count; at = next++) {
            Result<void> done;
            std::exception_ptr problem;
            try {
                done = work(at);
            } catch (...) {
                problem = std::current_exception();
            }
            if (done && !problem) continue;
            next = count;
            const std::lock_guard lock(mutex);
            if (outcome && !thrown) {
                outcome = std::move(done);
                thrown = problem;
            }
            return;
        }
    };
    {
        std::vector<std::jthread> helpers;
        try {
            while (helpers.size() + 1 < std::min<std::size_t>(threads, count)) helpers.emplace_back(work_through);
        } catch (const std::system_error&) {
            // The system has no more threads for us; it is only slower then.
        }
        work_through();
    }
    if (thrown) std::rethrow_exception(thrown);
    return outcome;
}

}  // namespace quicksilver
