#include "number_text.hpp"

#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace quicksilver::rules {

namespace {

/// Without blanks around, any script's digits as ASCII, other characters beyond ASCII as `?`.
std::string plain_digits(std::string_view text) {
    std::u32string characters = to_characters(text);
    const auto blank = [](char32_t c) { return unicode::is_space(c); };
    const auto begin = std::find_if_not(characters.begin(), characters.end(), blank);
    const auto end = std::find_if_not(characters.rbegin(), std::make_reverse_iterator(begin), blank).base();
    std::string out;
    for (auto i = begin; i != end; ++i) {
        const int digit = unicode::decimal_value(*i);
        out += digit >= 0 ? static_cast<char>('0' + digit) : *i < 0x80 ? static_cast<char>(*i) : '?';
    }
    return out;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
    return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
    });
}

int digit_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'z') return c - 'a' + 10;
    if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
    return 99;
}

/// Removes underscores that stand between digits; false when one stands elsewhere.
bool remove_underscores(std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '_') {
            out += text[i];
            continue;
        }
        const auto digit = [&](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '9'; };
        if (i == 0 || !digit(i - 1) || !digit(i + 1)) return false;
    }
    text = std::move(out);
    return true;
}

}  // namespace

std::optional<std::int64_t> to_integer(std::string_view digits, unsigned base) {
    std::int64_t value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, static_cast<int>(base));
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return value;
}

double to_real(const std::string& text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    // Only strtod tells too large from too small.
    if (error == std::errc::result_out_of_range) return std::strtod(text.c_str(), nullptr);
    return value;
}

std::optional<double> parse_real(std::string_view text) {
    std::string digits = plain_digits(text);
    if (!remove_underscores(digits)) return std::nullopt;
    const bool negative = !digits.empty() && digits[0] == '-';
    const bool signed_text = negative || (!digits.empty() && digits[0] == '+');
    const std::string rest = digits.substr(signed_text ? 1 : 0);
    const double sign = negative ? -1.0 : 1.0;
    if (equals_ignoring_case(rest, "inf") || equals_ignoring_case(rest, "infinity")) {
        return sign * std::numeric_limits<double>::infinity();
    }
    if (equals_ignoring_case(rest, "nan")) return std::numeric_limits<double>::quiet_NaN();
    if (rest.empty() || (rest[0] != '.' && (rest[0] < '0' || rest[0] > '9'))) return std::nullopt;
    double value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (error == std::errc::invalid_argument || end != rest.data() + rest.size()) return std::nullopt;
    return sign * (error == std::errc::result_out_of_range ? std::strtod(rest.c_str(), nullptr) : value);
}

std::optional<std::int64_t> parse_integer(std::string_view text, unsigned base, bool& oversized) {
    oversized = false;
    std::string rest = plain_digits(text);
    const bool negative = !rest.empty() && rest[0] == '-';
    if (negative || (!rest.empty() && rest[0] == '+')) rest.erase(0, 1);
    const auto prefix_base = [&]() -> unsigned {
        if (rest.size() < 2 || rest[0] != '0') return 0;
        const char c = rest[1];
        return c == 'x' || c == 'X' ? 16 : c == 'o' || c == 'O' ? 8 : c == 'b' || c == 'B' ? 2 : 0;
    };
    bool prefixed = false;
    if (const unsigned marked = prefix_base(); marked != 0 && (base == 0 || base == marked)) {
        base = marked;
        rest.erase(0, 2);
        prefixed = true;
    }
    const bool guessed = base == 0;
    if (guessed) base = 10;
    std::string digits;
    for (std::size_t i = 0; i < rest.size(); ++i) {
        if (rest[i] == '_') {
            if ((i == 0 && !prefixed) || i + 1 == rest.size() || rest[i + 1] == '_') return std::nullopt;
            continue;
        }
        if (digit_value(rest[i]) >= static_cast<int>(base)) return std::nullopt;
        digits += rest[i];
    }
    if (digits.empty()) return std::nullopt;
    // int('010', 0) is refused like the literal 010.
    if (guessed && digits[0] == '0' && digits.find_first_not_of('0') != std::string::npos) return std::nullopt;
    const std::optional<std::int64_t> value = to_integer(negative ? "-" + digits : digits, base);
    oversized = !value;
    return value;
}

std::string repr_of(double value) {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
    char buffer[40];
    const auto result = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
    const std::string_view scientific(buffer, static_cast<std::size_t>(result.ptr - buffer));
    const std::size_t e = scientific.find('e');
    const int exponent = std::atoi(std::string(scientific.substr(e + 1)).c_str());
    const bool negative = scientific[0] == '-';
    std::string digits;
    for (const char c : scientific.substr(0, e)) {
        if (c >= '0' && c <= '9') digits += c;
    }
    std::string out = negative ? "-" : "";
    if (exponent < -4 || exponent >= 16) {
        out += digits.substr(0, 1);
        if (digits.size() > 1) out.append(".").append(digits, 1);
        return out + fmt::format("e{}{:02}", exponent < 0 ? '-' : '+', std::abs(exponent));
    }
    if (exponent < 0) return out + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
    const auto whole = static_cast<std::size_t>(exponent) + 1;
    if (digits.size() <= whole) return out + digits + std::string(whole - digits.size(), '0') + ".0";
    return out + digits.substr(0, whole) + "." + digits.substr(whole);
}

std::string in_base(std::int64_t value, unsigned base, std::string_view prefix) {
    char buffer[70];
    const std::uint64_t magnitude =
        value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
    const auto result = std::to_chars(buffer, buffer + sizeof buffer, magnitude, static_cast<int>(base));
    return fmt::format("{}{}{}", value < 0 ? "-" : "", prefix,
                       std::string_view(buffer, static_cast<std::size_t>(result.ptr - buffer)));
}

}  // namespace quicksilver::rules
