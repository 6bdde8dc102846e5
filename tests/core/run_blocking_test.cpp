#include "quicksilver/core/run_blocking.hpp"

#include "support/catch.hpp"
#include "support/coroutines.hpp"

#include <memory>
#include <stdexcept>
#include <thread>

namespace asio = boost::asio;
using quicksilver::run_blocking;

TEST_CASE("Blocking work runs on the pool and its result arrives on the caller's thread", "[core][blocking]") {
    asio::io_context io;
    asio::thread_pool pool(1);
    const auto home = std::this_thread::get_id();
    std::thread::id worker, after;
    std::string text;
    auto work = [&] {
        worker = std::this_thread::get_id();
        return std::make_unique<std::string>("done");
    };
    auto ask = [&]() -> asio::awaitable<void> {
        const auto answer = co_await run_blocking(pool, work);
        text = *answer;
        after = std::this_thread::get_id();
    };
    quicksilver::test::run_coroutine(io, ask());
    CHECK(text == "done");
    CHECK(worker != home);
    CHECK(after == home);
}

TEST_CASE("An exception of blocking work is thrown to the caller", "[core][blocking]") {
    asio::io_context io;
    asio::thread_pool pool(1);
    auto work = []() -> void { throw std::runtime_error("disk gone"); };
    auto ask = [&]() -> asio::awaitable<void> { co_await run_blocking(pool, work); };
    CHECK_THROWS_WITH(quicksilver::test::run_coroutine(io, ask()), "disk gone");
}
