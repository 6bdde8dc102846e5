#include "quicksilver/core/thread_priority.hpp"

#include <boost/asio/post.hpp>

#include <latch>
#include <memory>
#include <sys/resource.h>

namespace quicksilver {

namespace {

constexpr int nicer_by = 4;  // leaves about four tenths of the share of the others

}  // namespace

void step_back(boost::asio::thread_pool& pool, unsigned threads) {
    const auto all = std::make_shared<std::latch>(threads + 1);
    for (unsigned i = 0; i < threads; ++i) {
        boost::asio::post(pool, [all] {
            // Of this thread alone: Linux counts threads.
            (void)::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + nicer_by);
            all->arrive_and_wait();  // so that each thread gets one of these
        });
    }
    all->arrive_and_wait();
}

}  // namespace quicksilver
