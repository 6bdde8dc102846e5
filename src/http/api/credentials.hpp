#pragma once

#include "quicksilver/http/message.hpp"
#include "quicksilver/store/accounts.hpp"

#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace quicksilver::api {

/// What a request brings to prove who sent it. Pure.
struct Credentials {
    std::string session;  ///< of the cookie
    std::string bearer;   ///< of the Authorization header
};

/// Throws ProblemError 400 for both at once or a malformed header, 401 for another scheme than Bearer.
Credentials read_credentials(const HttpRequest& request);

/// `__Host-quicksilver` through TLS, where the browser itself then refuses to take it from anywhere else. Such a cookie
/// is sent to every path, so the prefix is part of its name: two servers behind one proxy do not end each other's
/// sessions.
std::string cookie_name(bool secure, std::string_view prefix);
std::string session_cookie(std::string_view secret, const HttpRequest& request);
std::string ended_session_cookie(const HttpRequest& request);

/// Whether a browser says that a page of ours sends this. Requests without both headers come from no browser.
enum class Origin { same, other, unknown };
Origin origin_of(const HttpRequest& request);

/// Layer two and three of the defence against CSRF, for requests with a cookie that change something; SameSite=Strict
/// is the first. Throws ProblemError 403.
void check_csrf(const HttpRequest& request, std::string_view expected_token);
/// For signing in, when there is no token yet: a foreign page must not sign somebody in.
void check_not_foreign(const HttpRequest& request);

/// Who sends the request, and what it may do: the least of what the role and, for a token, its scopes allow.
struct Principal {
    User user;
    std::string session_id;  ///< empty for a token
    std::string token_id;
    std::set<std::string> scopes;  ///< of the token

    bool by_token() const { return !token_id.empty(); }
    bool may(Role role, const std::string& scope) const {
        return user.role >= role && (!by_token() || scopes.contains(scope));
    }
    bool may_see_patients() const { return user.phi && (!by_token() || scopes.contains("phi")); }
};

}  // namespace quicksilver::api
