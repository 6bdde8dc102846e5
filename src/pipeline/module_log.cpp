#include "quicksilver/pipeline/module_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace quicksilver {

void ModuleLog::add(std::string_view lines) {
    const std::lock_guard lock(mutex_);
    const std::size_t room = std::min(kept_max - kept_, lines.size());
    pending_ += lines.substr(0, room);
    kept_ += room;
    tail_ += lines.substr(room);
    if (tail_.size() <= 2 * tail_max) return;
    const std::size_t surplus = tail_.size() - tail_max;
    dropped_ += surplus;
    tail_.erase(0, surplus);
}

std::string ModuleLog::take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(pending_, "");
}

std::string ModuleLog::finish() {
    const std::lock_guard lock(mutex_);
    std::string rest = std::exchange(pending_, "");
    if (dropped_ > 0) {
        const auto line_end = tail_.find('\n');
        const std::size_t torn = line_end == std::string::npos ? 0 : line_end + 1;
        dropped_ += torn;
        tail_.erase(0, torn);
        rest += fmt::format("\n[{} bytes of output were left out here]\n", dropped_);
    }
    rest += std::exchange(tail_, "");
    return rest;
}

std::uint64_t ModuleLog::left_out() const {
    const std::lock_guard lock(mutex_);
    return dropped_;
}

}  // namespace quicksilver
