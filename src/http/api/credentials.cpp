#include "credentials.hpp"

#include "quicksilver/store/secrets.hpp"

#include "problem_error.hpp"

#include <boost/beast/core/string.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace quicksilver::api {

namespace {

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// RFC 6265 §5.4; the first of that name, as browsers send the most specific one first.
std::string read_cookie(const HttpRequest& request, std::string_view name) {
    for (const auto& [header, value] : request.headers) {
        if (!boost::beast::iequals(header, "Cookie")) continue;
        std::string_view rest = value;
        while (!rest.empty()) {
            const std::string_view pair = trimmed(rest.substr(0, rest.find(';')));
            rest.remove_prefix(std::min(rest.find(';'), rest.size() - 1) + 1);
            if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
                return std::string(pair.substr(name.size() + 1));
            }
        }
    }
    return {};
}

ProblemError refused(const std::string& why) {
    return ProblemError(403, "csrf", why);
}

}  // namespace

Credentials read_credentials(const HttpRequest& request) {
    Credentials credentials;
    credentials.session = read_cookie(request, cookie_name(request.secure, request.prefix));
    const std::string_view authorization = request.header("Authorization");
    if (authorization.empty()) return credentials;
    if (!credentials.session.empty()) {
        throw ProblemError(400, "two_credentials",
                           "The request has a session cookie and an Authorization header; send one of them.");
    }
    const std::size_t blank = authorization.find(' ');
    const std::string_view token = trimmed(authorization.substr(std::min(blank, authorization.size())));
    if (!boost::beast::iequals(authorization.substr(0, blank), "Bearer") || token.empty()) {
        throw ProblemError(401, "unauthenticated", "The Authorization header must be: Bearer TOKEN.")
            .with_header("WWW-Authenticate", "Bearer");
    }
    credentials.bearer = std::string(token);
    return credentials;
}

std::string cookie_name(bool secure, std::string_view prefix) {
    if (!secure) return "quicksilver";
    std::string name = "__Host-quicksilver" + std::string(prefix);
    std::ranges::replace(name, '/', '.');
    return name;
}

std::string session_cookie(std::string_view secret, const HttpRequest& request) {
    const std::string name = cookie_name(request.secure, request.prefix);
    if (request.secure) return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict; Secure", name, secret);
    const std::string_view path = request.prefix.empty() ? std::string_view("/") : request.prefix;
    return fmt::format("{}={}; Path={}; HttpOnly; SameSite=Strict", name, secret, path);
}

std::string ended_session_cookie(const HttpRequest& request) {
    return session_cookie("", request) + "; Max-Age=0";
}

Origin origin_of(const HttpRequest& request) {
    const std::string_view site = request.header("Sec-Fetch-Site");
    if (!site.empty()) return site == "same-origin" ? Origin::same : Origin::other;
    const std::string_view origin = request.header("Origin");
    if (origin.empty()) return Origin::unknown;
    const std::size_t scheme = origin.find("://");
    if (scheme == std::string_view::npos) return Origin::other;
    // Plain HTTP may be a page that somebody on the way has put in; behind a proxy that nobody trusts, the server
    // cannot know that the client used HTTPS.
    if (request.secure && !boost::beast::iequals(origin.substr(0, scheme), "https")) return Origin::other;
    return boost::beast::iequals(origin.substr(scheme + 3), request.host()) ? Origin::same : Origin::other;
}

void check_csrf(const HttpRequest& request, std::string_view expected_token) {
    switch (origin_of(request)) {
        case Origin::other:
            throw refused("The request comes from a page of another site.");
        case Origin::unknown:
            throw refused(
                "A request with a session cookie that changes something needs an Origin or Sec-Fetch-Site "
                "header; programs use a token instead.");
        case Origin::same:
            break;
    }
    if (!secrets::equal(request.header("X-CSRF-Token"), expected_token)) {
        throw refused("The X-CSRF-Token header does not belong to this session; GET /session tells it.");
    }
}

void check_not_foreign(const HttpRequest& request) {
    if (origin_of(request) == Origin::other) throw refused("The request comes from a page of another site.");
}

}  // namespace quicksilver::api
