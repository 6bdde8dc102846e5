#include "quicksilver/core/path_prefix.hpp"

#include <algorithm>

namespace quicksilver {

namespace {

constexpr std::size_t length_max = 200;

bool is_plain(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

}  // namespace

std::optional<std::string> parse_path_prefix(std::string_view text) {
    if (text.ends_with('/')) text.remove_suffix(1);
    if (text.empty()) return std::string();
    if (text.front() != '/' || text.size() > length_max) return std::nullopt;
    for (std::string_view rest = text; !rest.empty();) {
        const std::string_view segment = rest.substr(1, rest.find('/', 1) - 1);
        rest.remove_prefix(segment.size() + 1);
        // "//" would begin the name of another server.
        if (segment.empty() || segment == "." || segment == ".." || !std::ranges::all_of(segment, is_plain)) {
            return std::nullopt;
        }
    }
    return std::string(text);
}

}  // namespace quicksilver
