#include "quicksilver/core/peer_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace quicksilver {

namespace {

constexpr std::string_view open_mark = "⟪";
constexpr std::string_view close_mark = "⟫";

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

/// U+0080 to U+009F, which some terminals obey: 0xC2 and then this.
bool is_second_byte_of_control(char c) {
    return static_cast<unsigned char>(c) >= 0x80 && static_cast<unsigned char>(c) < 0xa0;
}

std::string_view first_bytes(std::string_view text, std::size_t bytes) {
    if (text.size() <= bytes) return text;
    while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
    return text.substr(0, bytes);
}

/// With something else for each mark.
std::string without_marks(std::string_view text, std::string_view instead) {
    std::string kept;
    while (!text.empty()) {
        const std::size_t mark = std::min({text.find(open_mark), text.find(close_mark), text.size()});
        kept += text.substr(0, mark);
        if (mark == text.size()) break;
        kept += instead;
        text.remove_prefix(mark + open_mark.size());
    }
    return kept;
}

}  // namespace

std::string peer_text(std::string_view said, std::size_t bytes_max) {
    std::string text(open_mark);
    const std::string_view begin = first_bytes(said, bytes_max);
    // Marks in the text itself would end it too early.
    text += without_marks(without_control_characters(begin), "'");
    if (begin.size() < said.size()) text += " …";
    text += close_mark;
    return text;
}

std::string without_peer_text(std::string_view text) {
    std::string kept;
    while (!text.empty()) {
        const std::size_t open = std::min(text.find(open_mark), text.size());
        kept += text.substr(0, open);
        text.remove_prefix(open);
        if (text.empty()) break;
        kept += fmt::format("{}…{}", open_mark, close_mark);
        // Without an end, as after a cut, the rest is what the peer said.
        const std::size_t close = text.find(close_mark);
        text.remove_prefix(close == std::string_view::npos ? text.size() : close + close_mark.size());
    }
    return kept;
}

std::string without_peer_marks(std::string_view text) {
    return without_marks(text, "");
}

std::string without_control_characters(std::string_view text) {
    std::string shown;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool two_bytes = static_cast<unsigned char>(text[i]) == 0xc2 && i + 1 < text.size() &&
                               is_second_byte_of_control(text[i + 1]);
        if (two_bytes) ++i;
        if (two_bytes || is_control(text[i])) {
            shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[i]));
        } else {
            shown += text[i];
        }
    }
    return shown;
}

}  // namespace quicksilver
