#include "quicksilver/core/thread_priority.hpp"

#include "support/catch.hpp"

#include <boost/asio/post.hpp>

#include <atomic>
#include <latch>
#include <sys/resource.h>

using namespace quicksilver;

TEST_CASE("All threads of a pool step back, and no others", "[core]") {
    const int before = ::getpriority(PRIO_PROCESS, 0);
    boost::asio::thread_pool pool{3};
    step_back(pool, 3);
    std::atomic<int> lower{0};
    std::latch all{3};
    for (int i = 0; i < 3; ++i) {
        boost::asio::post(pool, [&] {
            lower += ::getpriority(PRIO_PROCESS, 0) > before ? 1 : 0;
            all.arrive_and_wait();
        });
    }
    pool.join();
    CHECK(lower == 3);
    CHECK(::getpriority(PRIO_PROCESS, 0) == before);
}
