#include "quicksilver/core/thread_priority.hpp"

#include <boost/asio/post.hpp>

#include <latch>
#include <memory>
#include <sys/resource.h>

namespace quicksilver {

namespace {

constexpr int nice_level = 4;  // about four tenths of the share of the others

}  // namespace

void step_back(boost::asio::thread_pool& pool, unsigned threads) {
    const auto all = std::make_shared<std::latch>(threads + 1);
    for (unsigned i = 0; i < threads; ++i) {
        boost::asio::post(pool, [all] {
            (void)::setpriority(PRIO_PROCESS, 0, nice_level);  // of this thread alone: Linux counts threads
            all->arrive_and_wait();                            // so that each thread gets one of these
        });
    }
    all->arrive_and_wait();
}

}  // namespace quicksilver
