#pragma once

#include "api.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <string>

namespace quicksilver::api {

/// Throws ProblemError 429 while passwords of this account may not be tried from there; else counts the try. Io thread.
void check_throttle(Api& api, const Call& call, const std::string& account);
/// The same for codes of the second factor, after the right password.
void check_code_throttle(Api& api, const Call& call, const std::string& account);

/// Whoever found an open session must not change how its owner signs in. Returns the password's hash. Throws
/// ProblemError 422 at `pointer` for a wrong password, 429 after too many.
boost::asio::awaitable<std::string> check_own_password(Api& api, Call& call, std::string password, std::string pointer);

}  // namespace quicksilver::api
