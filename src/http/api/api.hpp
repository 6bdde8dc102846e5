#pragma once

#include "quicksilver/http/api.hpp"
#include "quicksilver/store/second_factors.hpp"
#include "quicksilver/store/sign_in_settings.hpp"

#include "call.hpp"
#include "idempotency.hpp"
#include "json_schema.hpp"
#include "operation.hpp"
#include "sign_in_throttle.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace quicksilver::api {

class StreamSeats;

using Json = nlohmann::json;

/// A handler that blocks, on a thread of a pool. Throws ProblemError to refuse.
using BlockingHandler = std::function<HttpResponse(Call&)>;
/// A handler that waits, on the io thread. For what is neither reading nor administration.
using WaitingHandler = std::function<boost::asio::awaitable<HttpResponse>(Call&)>;

/// The table of operations, and everything that happens before and after a handler: credentials, CSRF, role, limits,
/// the check of the body, idempotency, the audit, compression. Io thread only, but for what the pools run.
class Api : public std::enable_shared_from_this<Api> {
public:
    Api(Routes& routes, ApiServices services);

    /// Where a handler runs. `administer`: the one thread that may use `services().administration`.
    void read(Operation operation, BlockingHandler handler);
    void administer(Operation operation, BlockingHandler handler);
    void wait(Operation operation, WaitingHandler handler);

    /// A schema that others refer to as `reference(name)`.
    void define(const std::string& name, Json schema);
    static Json reference(const std::string& name);

    const ApiServices& services() const { return services_; }
    Json openapi(std::string_view prefix) const;

    /// On the administration's thread.
    Accounts accounts() const { return Accounts(services_.administration); }
    Sessions sessions() const { return Sessions(services_.administration, sign_in_settings().sessions); }
    SecondFactors second_factors() const { return SecondFactors(services_.administration); }
    Tokens tokens() const { return Tokens(services_.administration); }
    const std::string& key() const { return services_.administration.key(); }
    std::string csrf_token(const std::string& session_id) const;
    /// As the configuration has them now; any thread.
    SignInSettings sign_in_settings() const { return SignInSettings::of(*services_.config.snapshot()); }
    /// Whether this administrator must set up a second factor before anything else.
    bool lacks_second_factor(const User& user) const;

    /// Who that is, if it still counts. On the administration's thread. `in_use`: see Sessions::find.
    std::optional<Principal> find_principal(const Credentials& credentials, const HttpRequest& request, WallTime now,
                                            bool in_use = true) const;

    /// Whether somebody may call an operation that runs already.
    bool may(const Operation& operation, const Principal& who) const;

    SignInThrottle& throttle() { return throttle_; }
    StreamSeats& stream_seats() const { return *stream_seats_; }

private:
    enum class Place { readers, administration, io };
    struct Route {
        Operation operation;
        Place place;
        BlockingHandler blocking;
        WaitingHandler waiting;
    };

    void add(Route route);
    boost::asio::awaitable<HttpResponse> serve(const Route& route, const HttpRequest& request);
    boost::asio::awaitable<HttpResponse> answer(const Route& route, Call& call);
    boost::asio::awaitable<void> admit(const Route& route, Call& call);
    boost::asio::awaitable<void> take_upload(Call& call);
    boost::asio::awaitable<HttpResponse> run(const Route& route, Call& call);
    boost::asio::awaitable<void> finish(const Call& call, HttpResponse& response);
    boost::asio::awaitable<HttpResponse> run_once(const Route& route, Call& call);
    boost::asio::awaitable<void> write_audit(const Call& call, unsigned status);
    void check_may(const Operation& operation, const Principal& who) const;
    void check_query(const Operation& operation, const HttpRequest& request) const;
    void take_body(Call& call) const;
    void check_rate(const std::string& user_id, SteadyTime now);

    Routes& routes_;  // only while the routes are added
    ApiServices services_;
    std::list<Route> operations_;
    Json definitions_ = Json::object();
    IdempotencyKeys idempotency_;
    SignInThrottle throttle_;
    std::map<std::string, TokenBucket> rates_;
    int uploads_ = 0;  // that arrive now
    std::shared_ptr<StreamSeats> stream_seats_;
};

/// One for each file of this folder.
void add_session_operations(Api& api);
void add_own_account_operations(Api& api);
void add_second_factor_operations(Api& api);
void add_user_operations(Api& api);
void add_audit_operations(Api& api);
void add_system_operations(Api& api);
void add_rule_operations(Api& api);
void add_target_operations(Api& api);
void add_module_operations(Api& api);
void add_module_image_operations(Api& api);
void add_module_persistence_operations(Api& api);
void add_module_trial_operations(Api& api);
void add_settings_operations(Api& api);
void add_revision_operations(Api& api);
void add_rule_trial_operations(Api& api);
void add_series_operations(Api& api);
void add_task_operations(Api& api);
void add_event_operations(Api& api);
void add_study_operations(Api& api);
void add_pipeline_actions(Api& api);
void add_log_operations(Api& api);
void add_dicom_operations(Api& api);
void add_thumbnail_operations(Api& api);
void add_attention_operations(Api& api);
void add_running_operations(Api& api);
void add_target_actions(Api& api);
void add_task_actions(Api& api);
void add_task_detail_operations(Api& api);
void add_series_file_operations(Api& api);
void add_statistics_operations(Api& api);
void add_storage_operations(Api& api);
void add_source_operations(Api& api);

}  // namespace quicksilver::api
