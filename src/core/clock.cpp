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

/// `YYYY-mm-dd?HH:MM:SS` and nothing else.
std::optional<std::tm> parse_date_time(std::string_view text, char between) {
    constexpr std::string_view form = "dddd-dd-dd?dd:dd:dd";
    if (text.size() != form.size()) return std::nullopt;
    for (std::size_t i = 0; i < form.size(); ++i) {
        const bool is_digit = text[i] >= '0' && text[i] <= '9';
        const char expected = form[i] == '?' ? between : form[i];
        if (form[i] == 'd' ? !is_digit : text[i] != expected) return std::nullopt;
    }
    const auto number = [text](std::size_t from, std::size_t digits) {
        int value = 0;
        for (const char digit : text.substr(from, digits)) value = value * 10 + (digit - '0');
        return value;
    };
    std::tm parts{};
    parts.tm_year = number(0, 4) - 1900;
    parts.tm_mon = number(5, 2) - 1;
    parts.tm_mday = number(8, 2);
    parts.tm_hour = number(11, 2);
    parts.tm_min = number(14, 2);
    parts.tm_sec = number(17, 2);
    const bool in_range = parts.tm_mon >= 0 && parts.tm_mon < 12 && parts.tm_mday >= 1 && parts.tm_mday <= 31 &&
                          parts.tm_hour < 24 && parts.tm_min < 60 && parts.tm_sec < 61;
    if (!in_range) return std::nullopt;
    return parts;
}

/// "" or ".ddd".
std::optional<std::chrono::milliseconds> parse_fraction(std::string_view text) {
    if (text.empty()) return std::chrono::milliseconds(0);
    if (text.size() != 4 || text[0] != '.') return std::nullopt;
    int value = 0;
    for (const char digit : text.substr(1)) {
        if (digit < '0' || digit > '9') return std::nullopt;
        value = value * 10 + (digit - '0');
    }
    return std::chrono::milliseconds(value);
}

/// Nothing for times outside of 1970 to 2199: the clock counts nanoseconds, and differences must fit as well.
std::optional<WallTime> to_wall_time(std::time_t seconds, std::chrono::milliseconds more = {}) {
    constexpr std::time_t end_of_2199 = 7'258'118'400;
    if (seconds < 0 || seconds >= end_of_2199) return std::nullopt;
    return WallTime(std::chrono::seconds(seconds)) + more;
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

std::optional<WallTime> parse_rfc3339(std::string_view text) {
    constexpr std::size_t to_seconds = std::string_view("2026-11-22T10:17:52").size();
    if (text.size() <= to_seconds || text.back() != 'Z') return std::nullopt;
    auto parts = parse_date_time(text.substr(0, to_seconds), 'T');
    if (!parts) return std::nullopt;
    const auto milliseconds = parse_fraction(text.substr(to_seconds, text.size() - to_seconds - 1));
    if (!milliseconds) return std::nullopt;
    return to_wall_time(::timegm(&*parts), *milliseconds);
}

std::optional<WallTime> parse_local_timestamp(std::string_view text) {
    auto parts = parse_date_time(text, ' ');
    if (!parts) return std::nullopt;
    parts->tm_isdst = -1;  // as the zone has it on that day
    return to_wall_time(std::mktime(&*parts));
}

bool is_offpeak(std::string_view start, std::string_view end, int minute) {
    const auto from = parse_minute(start);
    const auto to = parse_minute(end);
    if (!from || !to) return true;
    if (*from <= *to) return minute >= *from && minute <= *to;
    return minute >= *from || minute <= *to;
}

}  // namespace quicksilver
