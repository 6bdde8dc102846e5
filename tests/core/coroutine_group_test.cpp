#include "quicksilver/core/coroutine_group.hpp"

#include "quicksilver/core/clock.hpp"

#include "support/catch.hpp"
#include "support/coroutines.hpp"

#include <stdexcept>

namespace asio = boost::asio;
using namespace quicksilver;
using namespace std::chrono_literals;

TEST_CASE("Cancelling a group ends every coroutine and is not a failure", "[core][coroutines]") {
    asio::io_context io;
    auto clock = make_system_clock();
    int failures = 0;
    CoroutineGroup group(io.get_executor(), [&](const std::string&, std::exception_ptr) { ++failures; });
    auto wait_long = [&]() -> asio::awaitable<void> { co_await clock->wait_for(1h); };
    group.start("one", wait_long());
    group.start("two", wait_long());
    io.poll();
    CHECK(group.size() == 2);
    test::run_handler(io, [&] { group.cancel(); });
    bool joined = false;
    auto join = [&]() -> asio::awaitable<void> { joined = co_await group.join(5s); };
    test::run_coroutine(io, join());
    CHECK(joined);
    CHECK(failures == 0);
}

TEST_CASE("A coroutine that throws is reported by its name and leaves the others running", "[core][coroutines]") {
    asio::io_context io;
    auto clock = make_system_clock();
    std::string failed;
    CoroutineGroup group(io.get_executor(), [&](const std::string& name, std::exception_ptr) { failed = name; });
    auto fail = []() -> asio::awaitable<void> {
        throw std::runtime_error("no");
        co_return;
    };
    auto wait_long = [&]() -> asio::awaitable<void> { co_await clock->wait_for(1h); };
    group.start("broken", fail());
    group.start("patient", wait_long());
    test::run_until(io, [&] { return !failed.empty(); });
    CHECK(failed == "broken");
    CHECK(group.size() == 1);
    bool joined = true;
    auto join = [&]() -> asio::awaitable<void> { joined = co_await group.join(10ms); };
    test::run_coroutine(io, join());
    CHECK_FALSE(joined);
    test::run_handler(io, [&] { group.cancel(); });
    test::run_until(io, [&] { return group.empty(); });
}
