#include "date_shift.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>

namespace quicksilver::dicom {

namespace {

constexpr std::size_t date_length = 8;

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.remove_suffix(1);
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    return text;
}

int number(std::string_view digits) {
    int value = -1;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc{} && end == digits.data() + digits.size() ? value : -1;
}

std::string shift_one(std::string_view value, int days_back) {
    value = trimmed(value);
    std::string plain(value);
    // The form of ACR-NEMA, "2002.12.31".
    if (plain.size() == 10 && plain[4] == '.' && plain[7] == '.') std::erase(plain, '.');
    if (plain.size() < date_length) return {};
    const std::string_view digits = plain;
    const int year = number(digits.substr(0, 4));
    const int month = number(digits.substr(4, 2));
    const int day = number(digits.substr(6, 2));
    if (year < 0 || month < 0 || day < 0) return {};
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (!date.ok()) return {};
    const std::chrono::year_month_day shifted = std::chrono::sys_days(date) - std::chrono::days(days_back);
    return fmt::format("{:04}{:02}{:02}{}", static_cast<int>(shifted.year()), static_cast<unsigned>(shifted.month()),
                       static_cast<unsigned>(shifted.day()), digits.substr(date_length));
}

}  // namespace

std::string shift_dates(std::string_view values, int days_back) {
    std::string shifted;
    while (true) {
        const std::size_t end = values.find('\\');
        shifted += shift_one(values.substr(0, end), days_back);
        if (end == std::string_view::npos) return shifted;
        shifted += '\\';
        values.remove_prefix(end + 1);
    }
}

}  // namespace quicksilver::dicom
