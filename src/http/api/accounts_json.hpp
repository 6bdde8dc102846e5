#pragma once

#include "quicksilver/store/sessions.hpp"

#include "api.hpp"

namespace quicksilver::api {

Json user_schema();
Json to_json(const User& user);
std::string user_etag(const User& user);

/// Signs in: a new session, whose cookie goes with the answer. On the administration's thread.
HttpResponse begin_session(const Api& api, Call& call, const User& user);
/// What GET /session tells of a signed-in user.
Json session_json(const Api& api, const User& user, const Session& session);
Json session_schema();

/// Hashes on the passwords pool. Throws ProblemError 422 at `pointer` for a weak password, 503 when too many wait.
boost::asio::awaitable<std::string> hash_new_password(Api& api, std::string password, std::string username,
                                                      std::string pointer);

}  // namespace quicksilver::api
