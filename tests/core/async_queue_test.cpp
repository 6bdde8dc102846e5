#include "quicksilver/core/async_queue.hpp"

#include "quicksilver/core/coroutine_group.hpp"

#include "support/catch.hpp"
#include "support/coroutines.hpp"

namespace asio = boost::asio;
using quicksilver::AsyncQueue;

TEST_CASE("A queue gives its items in order and refuses more than its capacity", "[core][queue]") {
    asio::io_context io;
    AsyncQueue<int> queue(io.get_executor(), 2);
    CHECK(queue.push(1));
    CHECK(queue.push(2));
    CHECK_FALSE(queue.push(3));

    std::vector<int> got;
    auto drain = [&]() -> asio::awaitable<void> {
        while (auto item = co_await queue.pop()) got.push_back(*item);
    };
    queue.close();
    quicksilver::test::run_coroutine(io, drain());
    CHECK(got == std::vector<int>({1, 2}));
    CHECK_FALSE(queue.push(4));
}

TEST_CASE("A waiting consumer that is cancelled leaves the queue usable", "[core][queue]") {
    asio::io_context io;
    AsyncQueue<int> queue(io.get_executor(), 8);
    quicksilver::CoroutineGroup group(io.get_executor(), nullptr);
    int cancelled_got = 0;
    auto consume = [&]() -> asio::awaitable<void> {
        while (auto item = co_await queue.pop()) cancelled_got += *item;
    };
    group.start("consumer", consume());
    io.poll();
    quicksilver::test::run_handler(io, [&] { group.cancel(); });
    quicksilver::test::run_until(io, [&] { return group.empty(); });

    CHECK(queue.push(7));
    int got = 0;
    auto take_one = [&]() -> asio::awaitable<void> {
        auto item = co_await queue.pop();
        got = item.value_or(0);
    };
    quicksilver::test::run_coroutine(io, take_one());
    CHECK(got == 7);
    CHECK(cancelled_got == 0);
}
