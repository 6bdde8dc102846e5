#include "new_lines.hpp"

#include <algorithm>

namespace quicksilver {

namespace {

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
    return from_;
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
            continue;
        }
        fresh += line;
    }
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
