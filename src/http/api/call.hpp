#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/http/message.hpp"

#include "credentials.hpp"
#include "operation.hpp"
#include "problem_error.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace quicksilver::api {

class Upload;

/// One request that passed every check before its handler. Lives until it is answered.
struct Call {
    const Operation& operation;
    const HttpRequest& request;
    WallTime now;  ///< when it arrived
    SteadyTime steady_now;
    std::optional<Principal> who = {};          ///< nothing only where anyone may call
    nlohmann::json body = {};                   ///< checked by the operation's schema
    std::shared_ptr<const Upload> upload = {};  ///< instead of it, of operations that take a large one
    std::string audited_user = {};              ///< for operations without `who`: the name to write down
    std::string audited_object = {};            ///< what it was done to, where the path does not say
    std::optional<std::int64_t> revision = {};  ///< of the configuration that this made, for the audit

    const User& user() const { return who.value().user; }
    bool may_see_patients() const { return who && who->may_see_patients(); }

    const std::string& parameter(const std::string& name) const { return request.parameters.at(name); }
    std::string query(std::string_view name) const { return std::string(request.query_value(name)); }
    bool flag(std::string_view name) const { return request.query_value(name) == "true"; }
    /// 50 unless the request says otherwise; checked to be within 1–500.
    std::size_t limit() const;
    bool is_dry_run() const { return flag("dry_run"); }
    /// Why the configuration is changed, for its history.
    std::string message() const;
};

/// Adds the ETag; answers 304 when the client has this version already.
HttpResponse with_etag(const Call& call, HttpResponse response, const std::string& etag);

/// The same for an answer that shows more than what If-Match protects: the order in a list, statistics, what the engine
/// has. The tag ends with a digest of all of it, `"r12-rule-ct;9f86…"`, which `require_match` does not ask for.
HttpResponse with_live_etag(const Call& call, HttpResponse response, const std::string& etag);

/// Throws ProblemError 428 without If-Match, 412 with `current` when it names another version.
void require_match(const Call& call, const std::string& etag, const nlohmann::json& current,
                   const nlohmann::json& diff = nullptr);

/// RFC 7396.
nlohmann::json merge_patched(nlohmann::json target, const nlohmann::json& patch);

/// 201 with its address below /api/v1.
HttpResponse created(const nlohmann::json& content, const std::string& location);
HttpResponse no_content();

}  // namespace quicksilver::api
