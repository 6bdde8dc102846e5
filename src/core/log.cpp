#include "quicksilver/core/log.hpp"

#include "quicksilver/core/clock.hpp"
#include "quicksilver/core/peer_text.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>

namespace quicksilver {

namespace {

constexpr std::array<std::string_view, 6> level_names = {"trace", "debug", "info", "warn", "error", "off"};

std::string_view name_of(LogLevel level) {
    return level_names[static_cast<std::size_t>(level)];
}

/// Whatever peers said may name a patient, and the log never does; and nothing in it may steer a terminal.
std::string shown(std::string_view text) {
    return without_control_characters(without_peer_text(text));
}

/// A value that a person and a `key=value` reader see as one word: quoted when it has blanks, never with line ends.
std::string as_word(const std::string& value) {
    const bool plain = !value.empty() && value.find_first_of(" \t\r\n\"=") == std::string::npos;
    if (plain) return value;
    return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string as_text(LogLevel level, std::string_view area, std::string_view message,
                    std::initializer_list<LogField> fields) {
    std::string line =
        fmt::format("{} {:<5} {}: {}", rfc3339(std::chrono::system_clock::now()), name_of(level), area, shown(message));
    for (const LogField& field : fields) {
        line += ' ';
        line += field.key;
        line += '=';
        line += as_word(shown(field.value));
    }
    return line;
}

std::string as_json(LogLevel level, std::string_view area, std::string_view message,
                    std::initializer_list<LogField> fields) {
    nlohmann::ordered_json line;
    line["time"] = rfc3339(std::chrono::system_clock::now());
    line["level"] = name_of(level);
    line["area"] = area;
    line["message"] = shown(message);
    for (const LogField& field : fields) line[std::string(field.key)] = shown(field.value);
    return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

class StderrLog final : public LogSink {
public:
    StderrLog(LogFormat format, LogLevel level)
        : format_(format), out_("quicksilver", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
        set_level(level);
        out_.set_pattern("%v");
        out_.set_level(spdlog::level::trace);
    }

    void write(LogLevel level, std::string_view area, std::string_view message,
               std::initializer_list<LogField> fields) override {
        const std::string line =
            format_ == LogFormat::json ? as_json(level, area, message, fields) : as_text(level, area, message, fields);
        out_.log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
    }

private:
    LogFormat format_;
    spdlog::logger out_;
};

class SilentLog final : public LogSink {
public:
    SilentLog() { set_level(LogLevel::off); }
    void write(LogLevel, std::string_view, std::string_view, std::initializer_list<LogField>) override {}
};

}  // namespace

std::shared_ptr<LogSink> make_stderr_log(LogFormat format, LogLevel level) {
    return std::make_shared<StderrLog>(format, level);
}

std::shared_ptr<LogSink> make_silent_log() {
    return std::make_shared<SilentLog>();
}

bool parse_log_level(std::string_view name, LogLevel& level) {
    for (std::size_t i = 0; i < level_names.size(); ++i) {
        if (name == level_names[i]) {
            level = static_cast<LogLevel>(i);
            return true;
        }
    }
    return false;
}

}  // namespace quicksilver
