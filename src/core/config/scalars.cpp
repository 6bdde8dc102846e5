#include "scalars.hpp"

#include "fields.hpp"
#include "findings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace quicksilver {

namespace {

using Json = nlohmann::ordered_json;

Error wrong(std::string message) {
    return Error{Errc::invalid, std::move(message)};
}

std::string_view trim(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::optional<double> parse_number(std::string_view text) {
    text = trim(text);
    if (text.starts_with('+')) text.remove_prefix(1);
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
    return number;
}

std::optional<double> number_of(const Json& value) {
    if (value.is_number()) return value.get<double>();
    if (value.is_string()) return parse_number(value.get_ref<const std::string&>());
    return std::nullopt;
}

/// Whole numbers without a point, so that they are written back as they came.
Json number_value(double number) {
    constexpr double exact_max = 9007199254740992;  // 2^53
    const bool whole = std::abs(number) <= exact_max && std::trunc(number) == number;
    return whole ? Json(static_cast<std::int64_t>(number)) : Json(number);
}

std::string range_of(const ConfigField& field) {
    const std::string unit = field.unit.empty() ? "" : fmt::format(" {}", field.unit);
    return fmt::format("{}–{}{}", field.min, field.max, unit);
}

Result<Scalar> read_integer(const ConfigField& field, const Json& value) {
    const auto number = number_of(value);
    if (!number) return wrong(fmt::format("{} is not a number", describe(value)));
    const double whole = std::trunc(*number);
    if (whole < field.min || whole > field.max) {
        return wrong(fmt::format("{} is out of range ({})", *number, range_of(field)));
    }
    std::string remark;
    if (whole != *number) remark = fmt::format("{} is not a whole number; read as {}", *number, whole);
    return Scalar{number_value(whole), remark};
}

Result<Scalar> read_number(const ConfigField& field, const Json& value) {
    const auto number = number_of(value);
    if (!number) {
        return wrong(fmt::format("{} is not a number{}", describe(value),
                                 field.type == FieldType::duration ? " of seconds" : ""));
    }
    if (*number < field.min || *number > field.max) {
        return wrong(fmt::format("{} is out of range ({})", *number, range_of(field)));
    }
    return Scalar{number_value(*number), ""};
}

Result<Scalar> read_port(const ConfigField& field, const Json& value) {
    const double min = std::max(field.min, 1.0) - (field.min == 0 ? 1 : 0);
    const auto number = number_of(value);
    if (!number || *number < min || *number > 65535 || std::trunc(*number) != *number) {
        return wrong(fmt::format("{} is not a port (1–65535{})", number ? fmt::format("{}", *number) : describe(value),
                                 min == 0 ? ", or 0 for a free one" : ""));
    }
    return Scalar{number_value(*number), ""};
}

/// PS3.5 value representation AE: 16 characters of the default repertoire without backslash and control characters;
/// blanks around it do not count.
Result<Scalar> read_ae_title(const Json& value) {
    auto text = read_text(value);
    if (!text) return std::move(text).error();
    const std::string_view title = trim(*text);
    if (title.size() > 16) {
        return wrong(fmt::format("{} has {} characters; an AE title has at most 16", in_quotes(title), title.size()));
    }
    for (const char c : title) {
        if (c < 0x20 || c > 0x7e || c == '\\') {
            return wrong(fmt::format("{} is not an AE title: only ASCII characters, no backslash", in_quotes(title)));
        }
    }
    return Scalar{Json(title), ""};
}

Result<Scalar> read_host(const Json& value) {
    auto text = read_text(value);
    if (!text) return std::move(text).error();
    std::string_view host = trim(*text);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);  // [::1], as in URLs
    const auto is_unfit = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '/'; };
    if (host.size() > 253 || std::ranges::any_of(host, is_unfit)) {
        return wrong(fmt::format("{} is not the name or address of a host", in_quotes(host)));
    }
    std::string remark;
    if (std::ranges::count(host, ':') == 1) remark = fmt::format("{} looks like a host with a port", in_quotes(host));
    return Scalar{Json(host), remark};
}

Result<Scalar> read_path(const Json& value) {
    auto text = read_text(value);
    if (!text) return std::move(text).error();
    if (text->find('\0') != std::string::npos) return wrong("has a zero byte in it");
    return Scalar{Json(*text), ""};
}

Result<Scalar> read_url(const Json& value) {
    auto text = read_text(value);
    if (!text) return std::move(text).error();
    const std::string url(trim(*text));
    const bool complete = url.empty() || url.find("://") != std::string::npos;
    return Scalar{Json(url), complete ? "" : "has no https:// or http:// in front"};
}

std::string list_of(const std::vector<std::string_view>& choices) {
    std::vector<std::string> names;
    for (const auto choice : choices) names.emplace_back(choice.empty() ? "\"\"" : choice);
    return fmt::format("{}", fmt::join(names, ", "));
}

Result<Scalar> read_choice(const ConfigField& field, const Json& value) {
    auto text = read_text(value);
    if (!text) return std::move(text).error();
    const auto choices = choices_of(field);
    if (std::ranges::find(choices, *text) != choices.end()) return Scalar{Json(*text), ""};
    if (text->empty() && field.has_default()) return Scalar{default_value(field), ""};
    return wrong(fmt::format("{} is none of {}{}", in_quotes(*text), list_of(choices), did_you_mean(*text, choices)));
}

Result<Scalar> read_transfer_syntax(const ConfigField& field, const Json& value) {
    const auto is_uid_character = [](char c) { return c == '.' || (c >= '0' && c <= '9'); };
    if (value.is_string()) {
        const auto& text = value.get_ref<const std::string&>();
        const bool is_uid =
            text.starts_with("1.2.") && text.size() <= 64 && std::ranges::all_of(text, is_uid_character);
        if (is_uid) return Scalar{value, ""};
    }
    return read_choice(field, value);
}

bool is_time_of_day(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return false;
    const auto is_number_below = [](std::string_view digits, int limit) {
        int number = -1;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
        return error == std::errc{} && end == digits.data() + digits.size() && digits.size() <= 2 && number >= 0 &&
               number < limit;
    };
    return is_number_below(text.substr(0, colon), 24) && is_number_below(text.substr(colon + 1), 60);
}

Result<Scalar> read_time_of_day(const Json& value) {
    auto text = read_text(value);
    if (!text) return std::move(text).error();
    std::string remark;
    if (!is_time_of_day(*text))
        remark = fmt::format("{} is not a time HH:MM, so it is always off-peak", in_quotes(*text));
    return Scalar{Json(*text), remark};
}

Result<Scalar> read_disk_space(const Json& value) {
    auto text = read_text(value);
    if (!text) return std::move(text).error();
    if (!parse_disk_space(*text)) {
        return wrong(fmt::format("{} is neither per cent (\"5%\") nor a size (\"10GB\", \"500MiB\", or bytes)",
                                 in_quotes(*text)));
    }
    return Scalar{Json(*text), ""};
}

}  // namespace

Result<Scalar> read_scalar(const ConfigField& field, const Json& value) {
    switch (field.type) {
        case FieldType::boolean: {
            auto boolean = read_boolean(value);
            if (!boolean) return std::move(boolean).error();
            return Scalar{Json(*boolean), ""};
        }
        case FieldType::integer:
            return read_integer(field, value);
        case FieldType::number:
        case FieldType::duration:
            return read_number(field, value);
        case FieldType::port:
            return read_port(field, value);
        case FieldType::ae_title:
            return read_ae_title(value);
        case FieldType::host:
            return read_host(value);
        case FieldType::path:
            return read_path(value);
        case FieldType::url:
            return read_url(value);
        case FieldType::choice:
            return read_choice(field, value);
        case FieldType::time_of_day:
            return read_time_of_day(value);
        case FieldType::disk_space:
            return read_disk_space(value);
        case FieldType::transfer_syntax:
            return read_transfer_syntax(field, value);
        default: {
            auto text = read_text(value);
            if (!text) return std::move(text).error();
            return Scalar{Json(*text), ""};
        }
    }
}

Result<std::string> read_text(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_boolean()) return std::string(value.get<bool>() ? "True" : "False");
    if (value.is_number()) return value.dump();
    return wrong(fmt::format("is {}, not a text", describe(value)));
}

Result<bool> read_boolean(const Json& value) {
    constexpr std::array<std::string_view, 6> yes{"true", "1", "yes", "on", "t", "y"};
    constexpr std::array<std::string_view, 6> no{"false", "0", "no", "off", "f", "n"};
    if (value.is_boolean()) return value.get<bool>();
    std::string text;
    if (value.is_string()) text = trim(value.get_ref<const std::string&>());
    if (value.is_number()) text = fmt::format("{}", value.get<double>());
    std::ranges::transform(text, text.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (std::ranges::find(yes, text) != yes.end()) return true;
    if (std::ranges::find(no, text) != no.end()) return false;
    return wrong(fmt::format("{} is not true or false", describe(value)));
}

std::optional<DiskReserve> parse_disk_space(std::string_view text) {
    struct Unit {
        std::string_view name;
        double bytes;
    };
    static constexpr std::array<Unit, 16> units{{{"", 1},
                                                 {"b", 1},
                                                 {"k", 1e3},
                                                 {"kb", 1e3},
                                                 {"kib", 1024.0},
                                                 {"m", 1e6},
                                                 {"mb", 1e6},
                                                 {"mib", 1048576.0},
                                                 {"g", 1e9},
                                                 {"gb", 1e9},
                                                 {"gib", 1073741824.0},
                                                 {"t", 1e12},
                                                 {"tb", 1e12},
                                                 {"tib", 1099511627776.0},
                                                 {"byte", 1},
                                                 {"bytes", 1}}};
    text = trim(text);
    const auto number_end = std::min(text.find_first_not_of("0123456789."), text.size());
    const auto number = parse_number(text.substr(0, number_end));
    if (!number || *number < 0) return std::nullopt;
    std::string unit(trim(text.substr(number_end)));
    if (unit == "%") {
        if (*number > 100) return std::nullopt;
        return DiskReserve{.bytes = 0, .percent = *number};
    }
    std::ranges::transform(unit, unit.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const auto* found = std::ranges::find(units, unit, &Unit::name);
    constexpr double bytes_max = 1e18;
    if (found == units.end() || *number * found->bytes > bytes_max) return std::nullopt;
    return DiskReserve{.bytes = static_cast<std::uint64_t>(*number * found->bytes), .percent = 0};
}

std::string describe(const Json& value) {
    if (value.is_string()) return in_quotes(value.get_ref<const std::string&>());
    if (value.is_array()) return "a list";
    if (value.is_object()) return "an object";
    return value.dump();
}

}  // namespace quicksilver
