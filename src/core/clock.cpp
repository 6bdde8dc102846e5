#include "quicksilver/core/clock.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <ctime>
#include <optional>

namespace quicksilver {

namespace {

class SystemClock final : public Clock {
public:
    SteadyTime now() const override { return std::chrono::steady_clock::now(); }
    WallTime wall_now() const override { return std::chrono::system_clock::now(); }
    boost::asio::awaitable<void> wait_until(SteadyTime when) override {
        boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, when);
        co_await timer.async_wait(boost::asio::use_awaitable);
    }
};

std::tm local_parts(WallTime time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    localtime_r(&seconds, &parts);
    return parts;
}

/// "HH:MM" as minutes since midnight.
std::optional<int> parse_minute(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0 || colon > 2 || text.size() - colon - 1 != 2) return std::nullopt;
    int hour = 0;
    int minute = 0;
    for (const char c : text.substr(0, colon)) {
        if (c < '0' || c > '9') return std::nullopt;
        hour = hour * 10 + (c - '0');
    }
    for (const char c : text.substr(colon + 1)) {
        if (c < '0' || c > '9') return std::nullopt;
        minute = minute * 10 + (c - '0');
    }
    if (hour > 23 || minute > 59) return std::nullopt;
    return hour * 60 + minute;
}

}  // namespace

std::unique_ptr<Clock> make_system_clock() {
    return std::make_unique<SystemClock>();
}

std::string local_timestamp(WallTime time) {
    const std::tm parts = local_parts(time);
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                       parts.tm_hour, parts.tm_min, parts.tm_sec);
}

int local_minute_of_day(WallTime time) {
    const std::tm parts = local_parts(time);
    return parts.tm_hour * 60 + parts.tm_min;
}

std::string rfc3339(WallTime time) {
    const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(milliseconds);
    const std::time_t whole = seconds.count();
    std::tm parts{};
    gmtime_r(&whole, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                       parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, (milliseconds - seconds).count());
}

bool is_offpeak(std::string_view start, std::string_view end, int minute) {
    const auto from = parse_minute(start);
    const auto to = parse_minute(end);
    if (!from || !to) return true;
    if (*from <= *to) return minute >= *from && minute <= *to;
    return minute >= *from || minute <= *to;
}

}  // namespace quicksilver
