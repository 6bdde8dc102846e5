#include "secrets.hpp"

#include "fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace quicksilver {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t size_max = 64 * 1024;  // bytes of a file with a secret

Result<std::string> read_secret_file(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return Error{Errc::io, fmt::format("the file {} cannot be read: {}", file, std::strerror(errno))};
    std::string text(size_max + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (in.bad()) return Error{Errc::io, fmt::format("the file {} cannot be read", file)};
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (text.size() > size_max) return Error{Errc::invalid, fmt::format("the file {} is larger than a secret", file)};
    // Editors end the last line; that is no part of the secret.
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    return text;
}

}  // namespace

std::optional<Json> read_secret(const Json& reference, const std::string& path, Reading& reading) {
    const Json* file = find_member(reference, "file");
    const Json* variable = find_member(reference, "env");
    const Json* given = file ? file : variable;
    if (reference.size() != 1 || !given || !given->is_string()) {
        reading.findings.error(path, R"(is an object, but a secret is a text, {"file": "/path"} or {"env": "NAME"})");
        return std::nullopt;
    }
    if (file) {
        auto text = read_secret_file(file->get<std::string>());
        if (text) return Json(*text);
        reading.findings.error(path, text.error().message);
        return std::nullopt;
    }
    const auto found = reading.environment.find(variable->get<std::string>());
    if (found != reading.environment.end()) return Json(found->second);
    reading.findings.error(path, fmt::format("the environment variable {} is not set", variable->get<std::string>()));
    return std::nullopt;
}

bool sounds_secret(std::string_view key) {
    constexpr std::array<std::string_view, 8> words{"password", "passwd", "passphrase", "secret",
                                                    "token",    "apikey", "api_key",    "private_key"};
    std::string lower(key);
    std::ranges::transform(lower, lower.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return std::ranges::any_of(words, [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

}  // namespace quicksilver
