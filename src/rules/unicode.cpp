#include "text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

namespace quicksilver::rules::unicode {

namespace {

constexpr std::int32_t special = 0x7FFFFFFF;

struct Record {
    std::uint16_t flags;
    std::int32_t delta[4];  // one a Mapping; `special`: look it up
};
struct Range {
    std::uint32_t first;
    std::uint16_t record;
};
struct Special {
    std::uint32_t code;
    std::uint8_t mapping;
    char32_t mapped[3];
};

#include "unicode_table.inc"

enum Flag : unsigned {
    alpha,
    decimal,
    digit,
    numeric,
    space,
    printable,
    lower,
    upper,
    title,
    cased,
    case_ignorable,
    name_start,
    name_part
};

const Record& find_record(char32_t c) {
    const auto next = std::upper_bound(std::begin(ranges), std::end(ranges), static_cast<std::uint32_t>(c),
                                       [](std::uint32_t code, const Range& range) { return code < range.first; });
    return records[std::prev(next)->record];
}

const Record& record_of(char32_t c) {
    static const auto ascii = [] {
        std::array<const Record*, 128> table{};
        for (std::size_t i = 0; i < table.size(); ++i) table[i] = &find_record(static_cast<char32_t>(i));
        return table;
    }();
    return c < ascii.size() ? *ascii[c] : find_record(c);
}

bool has(char32_t c, Flag flag) {
    return (record_of(c).flags >> flag) & 1U;
}

}  // namespace

bool is_alpha(char32_t c) {
    return has(c, alpha);
}
bool is_decimal(char32_t c) {
    return has(c, decimal);
}
bool is_digit(char32_t c) {
    return has(c, digit);
}
bool is_numeric(char32_t c) {
    return has(c, numeric);
}
bool is_space(char32_t c) {
    return has(c, space);
}
bool is_printable(char32_t c) {
    return has(c, printable);
}
bool is_lower(char32_t c) {
    return has(c, lower);
}
bool is_upper(char32_t c) {
    return has(c, upper);
}
bool is_title(char32_t c) {
    return has(c, title);
}
bool is_cased(char32_t c) {
    return has(c, cased);
}
bool is_case_ignorable(char32_t c) {
    return has(c, case_ignorable);
}
bool is_name_start(char32_t c) {
    return has(c, name_start);
}
bool is_name_part(char32_t c) {
    return has(c, name_part);
}

int decimal_value(char32_t c) {
    if (c >= '0' && c <= '9') return static_cast<int>(c - '0');
    if (c < 0x80 || !is_decimal(c)) return -1;
    return static_cast<int>(c - *std::prev(std::upper_bound(std::begin(zeros), std::end(zeros), c)));
}

void append_mapped(std::u32string& out, char32_t c, Mapping mapping) {
    const auto which = static_cast<std::size_t>(mapping);
    const std::int32_t delta = record_of(c).delta[which];
    if (delta != special) {
        out += static_cast<char32_t>(static_cast<std::int32_t>(c) + delta);
        return;
    }
    const auto found = std::find_if(std::begin(specials), std::end(specials), [&](const Special& s) {
        return s.code == static_cast<std::uint32_t>(c) && s.mapping == which;
    });
    for (const char32_t mapped : found->mapped) {
        if (mapped != 0) out += mapped;
    }
}

}  // namespace quicksilver::rules::unicode
