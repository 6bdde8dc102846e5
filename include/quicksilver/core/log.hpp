#pragma once

#include <fmt/format.h>

#include <atomic>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace quicksilver {

enum class LogLevel { trace, debug, info, warn, error, off };
enum class LogFormat { text, json };

/// One `key=value` of a log line. Never a patient's name, ID or birth date above trace level.
struct LogField {
    std::string_view key;
    std::string value;
};

template <class T>
LogField kv(std::string_view key, const T& value) {
    return LogField{key, fmt::format("{}", value)};
}

/// Where log lines go. Called from any thread.
class LogSink {
public:
    virtual ~LogSink() = default;
    virtual void write(LogLevel level, std::string_view area, std::string_view message,
                       std::initializer_list<LogField> fields) = 0;
    LogLevel level() const { return level_.load(std::memory_order_relaxed); }
    void set_level(LogLevel level) { level_.store(level, std::memory_order_relaxed); }

private:
    std::atomic<LogLevel> level_{LogLevel::info};
};

/// One line an event on standard error.
std::shared_ptr<LogSink> make_stderr_log(LogFormat format, LogLevel level);

/// For tests and for commands that print their own result.
std::shared_ptr<LogSink> make_silent_log();

/// The level of a name as the command line takes it: trace, debug, info, warn, error, off.
bool parse_log_level(std::string_view name, LogLevel& level);

/// A named area of the log. Cheap to copy, safe from any thread.
///     log_.info("series sent", kv("task", task.id), kv("instances", 412));
class Log {
public:
    Log(std::shared_ptr<LogSink> sink, std::string area) : sink_(std::move(sink)), area_(std::move(area)) {}

    /// The same sink under another area.
    Log named(std::string area) const { return Log(sink_, std::move(area)); }
    bool enabled(LogLevel level) const { return level >= sink_->level(); }

    template <class... Fields>
    void trace(std::string_view message, const Fields&... fields) const {
        write(LogLevel::trace, message, fields...);
    }
    template <class... Fields>
    void debug(std::string_view message, const Fields&... fields) const {
        write(LogLevel::debug, message, fields...);
    }
    template <class... Fields>
    void info(std::string_view message, const Fields&... fields) const {
        write(LogLevel::info, message, fields...);
    }
    template <class... Fields>
    void warn(std::string_view message, const Fields&... fields) const {
        write(LogLevel::warn, message, fields...);
    }
    template <class... Fields>
    void error(std::string_view message, const Fields&... fields) const {
        write(LogLevel::error, message, fields...);
    }

private:
    template <class... Fields>
    void write(LogLevel level, std::string_view message, const Fields&... fields) const {
        if (enabled(level)) sink_->write(level, area_, message, {fields...});
    }

    std::shared_ptr<LogSink> sink_;
    std::string area_;
};

}  // namespace quicksilver
