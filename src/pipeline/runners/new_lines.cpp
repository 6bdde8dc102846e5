#include "new_lines.hpp"

#include <utility>

namespace quicksilver {

namespace {

constexpr std::size_t skipped_max = 128UL << 10;

std::string_view time_of(std::string_view line) {
    return line.substr(0, line.find(' '));
}

/// Takes the first line off, with its end.
std::string_view take_line(std::string_view& lines) {
    const auto end = lines.find('\n');
    const std::string_view line = lines.substr(0, end == std::string_view::npos ? lines.size() : end + 1);
    lines.remove_prefix(line.size());
    return line;
}

}  // namespace

const std::string& NewLines::again() {
    asked_again_ = true;
    from_ = last_;
    known_ = at_last_;
    skipped_.clear();
    return from_;
}

void NewLines::finish() {
    if (known_ == 0 || skipped_.empty()) return;
    give(from_ + " (the container engine has thrown away output here)\n" + std::exchange(skipped_, {}));
}

void NewLines::operator()(std::string_view lines) {
    if (!asked_again_) {
        give(lines);
        return;
    }
    std::string fresh;
    while (!lines.empty()) {
        const std::string_view line = take_line(lines);
        const std::string_view time = time_of(line);
        if (time < from_) continue;
        if (time == from_ && known_ > 0) {
            --known_;
            skipped_ += line;
            continue;
        }
        fresh += line;
    }
    if (skipped_.size() > skipped_max) skipped_.erase(0, skipped_.find('\n', skipped_.size() - skipped_max / 2) + 1);
    if (!fresh.empty()) give(fresh);
}

void NewLines::give(std::string_view lines) {
    output_(lines);
    while (!lines.empty()) {
        const std::string_view time = time_of(take_line(lines));
        at_last_ = time == last_ ? at_last_ + 1 : 1;
        if (at_last_ == 1) last_ = time;
    }
}

}  // namespace quicksilver
