#include "cursor.hpp"

#include "quicksilver/store/secrets.hpp"

#include "problem_error.hpp"

#include <fmt/format.h>

namespace quicksilver::api {

namespace {

constexpr std::size_t signature_length = 22;  // 128 bits

std::string sign(std::string_view key, std::string_view list, std::string_view position) {
    return secrets::signature(key, fmt::format("cursor {} {}", list, position)).substr(0, signature_length);
}

}  // namespace

std::string make_cursor(std::string_view key, std::string_view list, const nlohmann::json& position) {
    const std::string text = secrets::to_base64url(position.dump());
    return text + "." + sign(key, list, text);
}

nlohmann::json read_cursor(std::string_view key, std::string_view list, std::string_view cursor) {
    const std::size_t point = cursor.find('.');
    const std::string_view position = cursor.substr(0, point);
    const bool is_signed =
        point != std::string_view::npos && secrets::equal(cursor.substr(point + 1), sign(key, list, position));
    std::string text;
    if (!is_signed || !secrets::from_base64url(position, text)) {
        throw ProblemError(400, "bad_cursor", "The cursor is not one of this list; begin again without it.");
    }
    return nlohmann::json::parse(text);
}

}  // namespace quicksilver::api
