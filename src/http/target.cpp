#include "target.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/beast/core/string.hpp>

#include <algorithm>

namespace quicksilver {

namespace {

std::optional<unsigned> hex_digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
    return std::nullopt;
}

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

/// As forms encode it: `+` is a blank.
std::optional<std::string> decode_query_part(std::string_view part) {
    std::string text(part);
    std::replace(text.begin(), text.end(), '+', ' ');
    return percent_decode(text);
}

bool parse_query(std::string_view query, std::vector<std::pair<std::string, std::string>>& parameters) {
    while (!query.empty()) {
        const std::string_view part = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(part.size() + 1, query.size()));
        if (part.empty()) continue;
        const std::size_t equals = std::min(part.find('='), part.size());
        const auto name = decode_query_part(part.substr(0, equals));
        const auto value = decode_query_part(part.substr(std::min(equals + 1, part.size())));
        if (!name || !value) return false;
        parameters.emplace_back(*name, *value);
    }
    return true;
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            decoded += text[i];
            continue;
        }
        if (i + 2 >= text.size()) return std::nullopt;
        const auto high = hex_digit(text[i + 1]);
        const auto low = hex_digit(text[i + 2]);
        if (!high || !low) return std::nullopt;
        const char c = static_cast<char>(*high * 16 + *low);
        if (is_control(c)) return std::nullopt;
        decoded += c;
        i += 2;
    }
    return decoded;
}

std::optional<RequestTarget> parse_target(std::string_view target) {
    RequestTarget parts;
    if (target == "*") {
        parts.path = "*";
        return parts;
    }
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!boost::beast::iequals(target.substr(0, scheme.size()), scheme)) continue;
        target.remove_prefix(scheme.size());
        const std::size_t end = std::min(target.find_first_of("/?"), target.size());
        parts.authority = std::string(target.substr(0, end));
        target.remove_prefix(end);
        if (parts.authority.empty()) return std::nullopt;
        if (target.empty()) target = "/";
        break;
    }
    if (target.empty() || target.front() != '/') return std::nullopt;
    const std::size_t question = std::min(target.find('?'), target.size());
    parts.path = std::string(target.substr(0, question));
    target.remove_prefix(std::min(question + 1, target.size()));
    if (!percent_decode(parts.path) || !parse_query(target, parts.query)) return std::nullopt;
    return parts;
}

bool names_loopback(std::string_view authority) {
    std::string_view host = authority;
    if (!host.empty() && host.front() == '[') {
        const std::size_t end = host.find(']');
        if (end == std::string_view::npos) return false;
        host = host.substr(1, end - 1);
    } else {
        host = host.substr(0, host.find(':'));
    }
    if (boost::beast::iequals(host, "localhost")) return true;
    boost::system::error_code not_an_address;
    const auto address = boost::asio::ip::make_address(host, not_an_address);
    return !not_an_address && address.is_loopback();
}

}  // namespace quicksilver
