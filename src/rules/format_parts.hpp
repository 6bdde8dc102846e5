#pragma once

#include "machine.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace quicksilver::rules {

/// What format() and the operator `%` share: a format specification, and a number in its parts.
struct Specification {
    char32_t fill = U' ';
    char align = '\0';
    char sign = '\0';
    bool alternate = false, zero = false, no_negative_zero = false;
    std::int64_t width = 0;
    std::int64_t precision = -1;
    char grouping = '\0';
    char type = '\0';
};

/// A number in its parts: sign and prefix stay left when zeros fill the middle.
struct NumberText {
    std::string sign, prefix, whole, rest;
};

[[noreturn]] void too_wide(Machine& machine);
/// Digits from `position` on; 0 when there are none.
std::int64_t read_number(Machine& machine, std::u32string_view text, std::size_t& position);
/// Groups, fills and joins the parts.
std::string assemble(Machine& machine, NumberText number, const Specification& specification);
NumberText split_real(Machine& machine, double value, const Specification& specification);
NumberText split_integer(std::int64_t value, const Specification& specification);
std::string format_text(Machine& machine, const std::string& text, const Specification& specification);

}  // namespace quicksilver::rules
