#include "quicksilver/http/byte_range.hpp"

#include <algorithm>
#include <charconv>

namespace quicksilver {

namespace {

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

RequestedRange parse_range(std::string_view header, std::uint64_t size) {
    constexpr std::string_view unit = "bytes=";
    if (!header.starts_with(unit)) return {};
    header.remove_prefix(unit.size());
    const std::size_t dash = header.find('-');
    if (dash == std::string_view::npos || header.find(',') != std::string_view::npos) return {};
    const auto first = number(header.substr(0, dash));
    const auto last = number(header.substr(dash + 1));
    if (dash == 0) {  // bytes=-500: the last ones
        if (!last) return {};
        if (*last == 0 || size == 0) return {RangeVerdict::unsatisfiable, {}};
        return {RangeVerdict::part, {size - std::min(*last, size), size - 1}};
    }
    if (!first || (dash + 1 < header.size() && !last) || (last && *last < *first)) return {};
    if (*first >= size) return {RangeVerdict::unsatisfiable, {}};
    return {RangeVerdict::part, {*first, std::min(last.value_or(size - 1), size - 1)}};
}

}  // namespace quicksilver
