#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/core/log.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace quicksilver {

struct LogLine {
    std::uint64_t number = 0;  ///< grows by one
    WallTime time;
    LogLevel level = LogLevel::info;
    std::string area, message;
    std::vector<std::pair<std::string, std::string>> fields;
};

/// Passes lines on and remembers the last ones, for people to look at them. Any thread.
class LogRing final : public LogSink {
public:
    explicit LogRing(std::shared_ptr<LogSink> next, std::size_t kept_max = 5000);

    void write(LogLevel level, std::string_view area, std::string_view message,
               std::initializer_list<LogField> fields) override;

    struct Filter {
        LogLevel level = LogLevel::trace;   ///< this and worse
        std::string area;                   ///< exact; "" = any
        std::string text;                   ///< a part of message, keys or values; "" = any
        std::uint64_t before = UINT64_MAX;  ///< only lines with a smaller number
        std::size_t limit = 50;
    };
    /// Newest first.
    std::vector<LogLine> lines(const Filter& filter) const;

private:
    const std::shared_ptr<LogSink> next_;
    const std::size_t kept_max_;
    mutable std::mutex mutex_;  // guards the rest
    std::deque<LogLine> kept_;
    std::uint64_t last_number_ = 0;
};

std::string_view to_string(LogLevel level);

}  // namespace quicksilver
