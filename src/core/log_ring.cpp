#include "quicksilver/core/log_ring.hpp"

#include "quicksilver/core/peer_text.hpp"

#include <algorithm>
#include <array>

namespace quicksilver {

namespace {

/// Of one line; what is longer is cut, so that the ring's size has a bound.
constexpr std::size_t text_max = 4000;

/// As the log on the console: without what peers said, and without control characters.
std::string shown(std::string_view text) {
    return without_control_characters(without_peer_text(text.substr(0, text_max)));
}

bool contains(const LogLine& line, const std::string& text) {
    if (text.empty() || line.message.find(text) != std::string::npos) return true;
    return std::ranges::any_of(line.fields, [&](const auto& field) {
        return field.first.find(text) != std::string::npos || field.second.find(text) != std::string::npos;
    });
}

}  // namespace

LogRing::LogRing(std::shared_ptr<LogSink> next, std::size_t kept_max) : next_(std::move(next)), kept_max_(kept_max) {
    set_level(next_->level());
}

void LogRing::write(LogLevel level, std::string_view area, std::string_view message,
                    std::initializer_list<LogField> fields) {
    next_->write(level, area, message, fields);
    LogLine line;
    line.time = std::chrono::system_clock::now();
    line.level = level;
    line.area = area;
    line.message = shown(message);
    for (const LogField& field : fields) line.fields.emplace_back(field.key, shown(field.value));
    const std::lock_guard lock(mutex_);
    line.number = ++last_number_;
    kept_.push_back(std::move(line));
    if (kept_.size() > kept_max_) kept_.pop_front();
}

std::vector<LogLine> LogRing::lines(const Filter& filter) const {
    std::vector<LogLine> found;
    const std::lock_guard lock(mutex_);
    for (auto line = kept_.rbegin(); line != kept_.rend() && found.size() < filter.limit; ++line) {
        if (line->number >= filter.before || line->level < filter.level) continue;
        if (!filter.area.empty() && line->area != filter.area) continue;
        if (contains(*line, filter.text)) found.push_back(*line);
    }
    return found;
}

std::string_view to_string(LogLevel level) {
    constexpr std::array<std::string_view, 6> names = {"trace", "debug", "info", "warn", "error", "off"};
    return names.at(static_cast<std::size_t>(level));
}

}  // namespace quicksilver
