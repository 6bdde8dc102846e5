#include "format_parts.hpp"
#include "number_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>

namespace quicksilver::rules {

[[noreturn]] void too_wide(Machine& m) {
    m.fail("limit_string", fmt::format("a text has at most {} characters", m.limits().string_length));
}

std::int64_t read_number(Machine& m, std::u32string_view text, std::size_t& i) {
    std::int64_t value = 0;
    for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) {
        value = value * 10 + static_cast<std::int64_t>(text[i] - '0');
        if (value > static_cast<std::int64_t>(m.limits().string_length)) too_wide(m);
    }
    return value;
}

namespace {

bool is_align(char32_t c) {
    return c == '<' || c == '>' || c == '=' || c == '^';
}

Specification parse_specification(Machine& m, std::u32string_view text) {
    Specification spec;
    std::size_t i = 0;
    const auto at = [&](std::size_t n) { return n < text.size() ? text[n] : U'\0'; };
    bool filled = false;
    if (is_align(at(1))) {
        spec.fill = at(0);
        spec.align = static_cast<char>(at(1));
        filled = true;
        i = 2;
    } else if (is_align(at(0))) {
        spec.align = static_cast<char>(at(0));
        i = 1;
    }
    if (at(i) == '+' || at(i) == '-' || at(i) == ' ') spec.sign = static_cast<char>(at(i++));
    if (at(i) == 'z') {
        spec.no_negative_zero = true;
        ++i;
    }
    if (at(i) == '#') {
        spec.alternate = true;
        ++i;
    }
    if (!filled && at(i) == '0') {
        spec.zero = true;
        spec.fill = U'0';
        ++i;
    }
    spec.width = read_number(m, text, i);
    if (at(i) == ',' || at(i) == '_') spec.grouping = static_cast<char>(at(i++));
    if (at(i) == ',' || at(i) == '_') m.value_error("Cannot specify both ',' and '_'.");
    if (at(i) == '.') {
        ++i;
        if (at(i) < '0' || at(i) > '9') m.value_error("Format specifier missing precision");
        spec.precision = read_number(m, text, i);
    }
    if (i + 1 < text.size()) m.value_error("Invalid format specifier");
    if (i < text.size()) {
        if (text[i] >= 0x80) m.value_error("Unknown format code");
        spec.type = static_cast<char>(text[i]);
    }
    return spec;
}

std::string group(const std::string& digits, char separator, std::size_t size) {
    std::string out;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i != 0 && (digits.size() - i) % size == 0) out += separator;
        out += digits[i];
    }
    return out;
}

std::string pad(Machine& m, const std::string& text, const Specification& spec, char align) {
    const std::size_t length = count_characters(text);
    if (spec.width <= static_cast<std::int64_t>(length)) return text;
    if (spec.width > static_cast<std::int64_t>(m.limits().string_length)) too_wide(m);
    const std::size_t missing = static_cast<std::size_t>(spec.width) - length;
    const std::size_t left = align == '<' ? 0 : align == '^' ? missing / 2 : missing;
    const std::u32string before(left, spec.fill), after(missing - left, spec.fill);
    return to_text(before) + text + to_text(after);
}

}  // namespace

std::string assemble(Machine& m, NumberText number, const Specification& spec) {
    const char align = spec.align != '\0' ? spec.align : spec.zero ? '=' : '>';
    const bool digits = !number.whole.empty() && number.whole[0] >= '0' && number.whole[0] <= '9';
    const bool hexadecimal = spec.type == 'x' || spec.type == 'X' || spec.type == 'o' || spec.type == 'b';
    const std::size_t size = hexadecimal ? 4 : 3;
    const auto around = static_cast<std::int64_t>(number.sign.size() + number.prefix.size() + number.rest.size());
    const auto grouped = [&](const std::string& text) {
        return spec.grouping != '\0' && (digits || hexadecimal) ? group(text, spec.grouping, size) : text;
    };
    if (align == '=' && spec.fill == U'0' && (digits || hexadecimal) && spec.grouping != '\0') {
        // Zeros are grouped like digits, and a separator never stands first.
        while (static_cast<std::int64_t>(grouped(number.whole).size()) + around < spec.width)
            number.whole.insert(0, 1, '0');
    }
    number.whole = grouped(number.whole);
    if (align == '=') {
        Specification inner = spec;
        inner.width -= static_cast<std::int64_t>(number.sign.size() + number.prefix.size());
        return number.sign + number.prefix + pad(m, number.whole + number.rest, inner, '>');
    }
    return pad(m, number.sign + number.prefix + number.whole + number.rest, spec, align);
}

namespace {

std::string sign_of(bool negative, char sign) {
    if (negative) return "-";
    return sign == '+' || sign == ' ' ? std::string(1, sign) : "";
}

void upper(std::string& text) {
    for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

// Floats -------------------------------------------------------------------------------------------------------------

/// Without the zeros at the end, and without a point behind which nothing is left.
void strip_zeros(std::string& text) {
    if (text.find('.') == std::string::npos) return;
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
}

/// `{:.4}` without a type: like `g`, but with one digit behind the point and an exponent one step earlier.
std::string general_with_point(double magnitude, std::int64_t precision, bool alternate) {
    precision = std::max<std::int64_t>(precision, 1);
    const std::string scientific = fmt::format("{:.{}e}", magnitude, precision - 1);
    const std::size_t e = scientific.find('e');
    const int exponent = std::stoi(scientific.substr(e + 1));
    if (exponent < -4 || exponent >= precision - 1) {
        std::string mantissa = scientific.substr(0, e);
        if (!alternate)
            strip_zeros(mantissa);
        else if (mantissa.find('.') == std::string::npos)
            mantissa += '.';
        return mantissa + scientific.substr(e);
    }
    std::string plain = fmt::format("{:.{}f}", magnitude, std::max<std::int64_t>(precision - 1 - exponent, 0));
    if (!alternate) strip_zeros(plain);
    return plain.find('.') == std::string::npos ? plain + ".0" : plain;
}

/// The shortest digits; the alternate form has a point in every case.
std::string shortest(double magnitude, bool alternate) {
    std::string text = repr_of(magnitude);
    const std::size_t e = text.find('e');
    if (alternate && e != std::string::npos && text.find('.') == std::string::npos) text.insert(e, 1, '.');
    return text;
}

/// What C prints, which CPython prints too; fmt differs for the alternate form.
std::string printed(double value, int precision, char type, bool alternate) {
    const std::string pattern = fmt::format("%{}.*{}", alternate ? "#" : "", type);
    std::string text(static_cast<std::size_t>(precision) + 330, '\0');
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    const int length = std::snprintf(text.data(), text.size(), pattern.c_str(), precision, value);
#pragma GCC diagnostic pop
    text.resize(static_cast<std::size_t>(length));
    return text;
}

std::string digits_of(double magnitude, const Specification& spec) {
    const auto precision = static_cast<int>(spec.precision < 0 ? 6 : spec.precision);
    switch (spec.type) {
        case 'e':
        case 'E':
            return printed(magnitude, precision, 'e', spec.alternate);
        case 'f':
        case 'F':
            return printed(magnitude, precision, 'f', spec.alternate);
        case '%':
            return printed(magnitude * 100, precision, 'f', spec.alternate);
        case 'g':
        case 'G':
        case 'n':
            return printed(magnitude, std::max(precision, 1), 'g', spec.alternate);
        default:
            return spec.precision < 0 ? shortest(magnitude, spec.alternate)
                                      : general_with_point(magnitude, spec.precision, spec.alternate);
    }
}

}  // namespace

NumberText split_real(Machine& m, double value, const Specification& spec) {
    if (spec.precision > 1000) too_wide(m);
    NumberText number;
    number.sign = sign_of(std::signbit(value) && !std::isnan(value), spec.sign);
    std::string text;
    if (std::isnan(value))
        text = "nan";
    else if (std::isinf(value))
        text = "inf";
    else
        text = digits_of(std::fabs(value), spec);
    if (spec.no_negative_zero && std::isfinite(value) &&
        text.substr(0, text.find('e')).find_first_of("123456789") == std::string::npos) {
        number.sign = sign_of(false, spec.sign);
    }
    if (spec.type == 'E' || spec.type == 'F' || spec.type == 'G') upper(text);
    const std::size_t end = text.find_first_not_of("0123456789");
    const bool number_text = std::isfinite(value) && end != std::string::npos;
    number.whole = number_text ? text.substr(0, end) : text;
    number.rest = number_text ? text.substr(end) : "";
    if (spec.type == '%') number.rest += '%';
    return number;
}

namespace {

std::string format_real(Machine& m, double value, const Specification& spec) {
    if (std::string_view("\0eEfFgGn%", 9).find(spec.type) == std::string_view::npos) {
        m.value_error(fmt::format("Unknown format code '{}' for object of type 'float'", spec.type));
    }
    if (spec.type == 'n' && spec.grouping != '\0') m.value_error("Cannot specify ',' with 'n'.");
    return assemble(m, split_real(m, value, spec), spec);
}

// Integers and texts -------------------------------------------------------------------------------------------------

}  // namespace

NumberText split_integer(std::int64_t value, const Specification& spec) {
    const unsigned base = spec.type == 'b' ? 2 : spec.type == 'o' ? 8 : spec.type == 'x' || spec.type == 'X' ? 16 : 10;
    NumberText number;
    number.sign = sign_of(value < 0, spec.sign);
    number.whole = in_base(value, base, "");
    if (value < 0) number.whole.erase(0, 1);
    if (spec.alternate && base != 10) number.prefix = std::string("0") + spec.type;
    if (spec.type == 'X') upper(number.whole);
    return number;
}

namespace {

std::string format_character(Machine& m, std::int64_t code, const Specification& spec) {
    if (spec.sign != '\0') m.value_error("Sign not allowed with integer format specifier 'c'");
    if (spec.alternate) m.value_error("Alternate form (#) not allowed with integer format specifier 'c'");
    if (code < 0 || code > 0x10FFFF) m.fail("overflow_error", "%c arg not in range(0x110000)");
    std::string text;
    append_character(text, static_cast<char32_t>(code));
    return pad(m, text, spec, spec.align == '\0' || spec.align == '=' ? '>' : spec.align);
}

std::string format_integer(Machine& m, std::int64_t value, const Specification& spec) {
    if (std::string_view("eEfFgG%").find(spec.type) != std::string_view::npos && spec.type != '\0') {
        return format_real(m, static_cast<double>(value), spec);
    }
    if (spec.no_negative_zero) m.value_error("Negative zero coercion (z) not allowed in format specifier with integer");
    if (spec.precision >= 0) m.value_error("Precision not allowed in integer format specifier");
    if (std::string_view("\0bcdoxXn", 8).find(spec.type) == std::string_view::npos) {
        m.value_error(fmt::format("Unknown format code '{}' for object of type 'int'", spec.type));
    }
    const bool decimal = spec.type == '\0' || spec.type == 'd';
    if ((spec.grouping == ',' && !decimal) || (spec.grouping != '\0' && (spec.type == 'n' || spec.type == 'c'))) {
        m.value_error(fmt::format("Cannot specify '{}' with '{}'.", spec.grouping, spec.type));
    }
    if (spec.type == 'c') return format_character(m, value, spec);
    return assemble(m, split_integer(value, spec), spec);
}

}  // namespace

std::string format_text(Machine& m, const std::string& text, const Specification& spec) {
    if (spec.type != '\0' && spec.type != 's') {
        m.value_error(fmt::format("Unknown format code '{}' for object of type 'str'", spec.type));
    }
    if (spec.sign != '\0') m.value_error("Sign not allowed in string format specifier");
    if (spec.no_negative_zero) m.value_error("Negative zero coercion (z) not allowed in string format specifier");
    if (spec.alternate) m.value_error("Alternate form (#) not allowed in string format specifier");
    if (spec.align == '=') m.value_error("'=' alignment not allowed in string format specifier");
    if (spec.grouping != '\0') m.value_error("Cannot specify ',' with 's'.");
    std::u32string characters = to_characters(text);
    if (spec.precision >= 0 && characters.size() > static_cast<std::size_t>(spec.precision)) {
        characters.resize(static_cast<std::size_t>(spec.precision));
    }
    return pad(m, to_text(characters), spec, spec.align == '\0' ? '<' : spec.align);
}

std::string format_value(Machine& machine, Value value, std::string_view specification) {
    if (specification.empty()) return to_str(machine, value);
    if (!value.is_number() && !value.is(Kind::text)) {
        machine.type_error(fmt::format("unsupported format string passed to {}.__format__", type_name(value)));
    }
    Specification spec = parse_specification(machine, to_characters(specification));
    if (value.is(Kind::text)) return format_text(machine, value.text().bytes, spec);
    if (value.is(Kind::real)) return format_real(machine, value.real(), spec);
    return format_integer(machine, value.integer(), spec);
}

}  // namespace quicksilver::rules
