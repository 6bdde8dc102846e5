#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quicksilver::rules {

/// Plain digits of a base up to 36 with an optional `-`; nothing beyond 64 bits.
std::optional<std::int64_t> to_integer(std::string_view digits, unsigned base);
/// Digits, point and exponent that are known to be well formed; too large is infinity, too small is zero.
double to_real(const std::string& text);

/// As Python's float() and int() read a text: blanks around, underscores between digits, any script's digits.
/// Nothing when it is no such number. `oversized` tells an integer beyond 64 bits from no integer.
std::optional<double> parse_real(std::string_view text);
std::optional<std::int64_t> parse_integer(std::string_view text, unsigned base, bool& oversized);

/// As Python's repr: the shortest digits that read back as the same number.
std::string repr_of(double value);
std::string in_base(std::int64_t value, unsigned base, std::string_view prefix);

}  // namespace quicksilver::rules
