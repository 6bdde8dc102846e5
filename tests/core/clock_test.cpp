#include "quicksilver/core/clock.hpp"

#include "support/catch.hpp"
#include "support/coroutines.hpp"
#include "support/manual_clock.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

using namespace quicksilver;

TEST_CASE("The off-peak window includes both ends and wraps over midnight", "[core][clock]") {
    struct Case {
        const char *start, *end;
        int minute;
        bool expected;
    };
    const Case cases[] = {
        {"22:00", "06:00", 22 * 60, true},       {"22:00", "06:00", 6 * 60, true},
        {"22:00", "06:00", 6 * 60 + 1, false},   {"22:00", "06:00", 0, true},
        {"22:00", "06:00", 21 * 60 + 59, false}, {"01:00", "02:00", 90, true},
        {"01:00", "02:00", 121, false},          {"nonsense", "06:00", 720, true},
        {"25:00", "06:00", 720, true},           {"", "", 720, true},
        {"9:30", "10:00", 9 * 60 + 30, true},
    };
    for (const Case& c : cases) {
        CAPTURE(c.start, c.end, c.minute);
        CHECK(is_offpeak(c.start, c.end, c.minute) == c.expected);
    }
}

TEST_CASE("Times are written in RFC 3339 with milliseconds", "[core][clock]") {
    CHECK(rfc3339(WallTime(std::chrono::milliseconds(1'500))) == "1970-01-01T00:00:01.500Z");
    CHECK(rfc3339(WallTime(std::chrono::milliseconds(-1))) == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("Times that were written are read again, and nothing else is", "[core][clock]") {
    const WallTime time{std::chrono::milliseconds(1'795'256'345'678)};
    CHECK(parse_rfc3339(rfc3339(time)) == time);
    CHECK(parse_rfc3339("2026-11-22T10:17:52Z") == parse_rfc3339("2026-11-22T10:17:52.000Z"));
    CHECK(rfc3339(parse_rfc3339("2199-12-31T23:59:59.999Z").value()) == "2199-12-31T23:59:59.999Z");
    CHECK(parse_local_timestamp(local_timestamp(time)) == std::chrono::floor<std::chrono::seconds>(time));
    for (const char* text : {"", "now", "2026-11-22T10:17:52", "2026-13-22T10:17:52Z", "2026-11-22T25:17:52Z",
                             "2026-11-22T10:17:52.1Z", "2026-11-22T10:17:52.abcZ", "2026-11-22 10:17:52",
                             "1969-12-31T23:59:59Z", "2200-01-01T00:00:00Z", "2999-01-01T00:00:00Z"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_rfc3339(text).has_value());
    }
    for (const char* text : {"", "2026-11-22T10:17:52", "2026-11-22 10:17", "2026-11-32 10:17:52",
                             "x026-11-22 10:17:52", "2999-01-01 00:00:00"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_local_timestamp(text).has_value());
    }
}

TEST_CASE("Waiting on a manual clock ends when the clock is moved, whatever the wall clock does", "[core][clock]") {
    boost::asio::io_context io;
    test::ManualClock clock;
    bool woke = false;
    auto sleeper = [&]() -> boost::asio::awaitable<void> {
        co_await clock.wait_for(std::chrono::seconds(10));
        woke = true;
    };
    boost::asio::co_spawn(io, sleeper(), boost::asio::detached);
    io.poll();
    clock.set_wall(clock.wall_now() + std::chrono::hours(5));
    clock.advance(std::chrono::seconds(9));
    io.poll();
    CHECK_FALSE(woke);
    clock.advance(std::chrono::seconds(1));
    io.restart();
    io.poll();
    CHECK(woke);
}
