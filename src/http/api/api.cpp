#include "api.hpp"

#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/http/peer_words.hpp"
#include "quicksilver/http/problem.hpp"
#include "quicksilver/http/uploads.hpp"
#include "quicksilver/store/audit.hpp"
#include "quicksilver/store/task_folders.hpp"

#include "compress.hpp"
#include "problem_pages.hpp"
#include "stream_seats.hpp"
#include "upload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

constexpr double requests_per_second = 50;
constexpr double requests_at_once = 100;
constexpr int uploads_max = 4;
constexpr std::size_t rates_kept_max = 1000;
constexpr std::size_t sign_ins_recalled = 100'000;  // tries in the audit, looked through at the start
/// What is read as JSON on the io thread, for handlers there; longer bodies are read on a pool.
constexpr std::size_t body_on_io_max = 64 * 1024;

ProblemError too_many(std::chrono::milliseconds wait) {
    const auto seconds = std::max<long long>(1, (wait.count() + 999) / 1000);
    return ProblemError(429, "too_many_requests", fmt::format("Too many requests; try again in {} s.", seconds))
        .with_header("Retry-After", std::to_string(seconds));
}

/// A query parameter is text; its schema may want a number.
Json query_value(const Json& schema, const std::string& text) {
    const std::string type = schema.value("type", "string");
    if (type == "integer") {
        std::int64_t number = 0;
        const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (failed == std::errc() && end == text.data() + text.size()) return number;
    }
    if (type == "boolean" && (text == "true" || text == "false")) return text == "true";
    return text;
}

bool counts_before_password_change(const Operation& operation) {
    static constexpr std::string_view ids[] = {"getSession", "signOut", "getMe", "putMyPassword"};
    return std::ranges::find(ids, operation.id) != std::end(ids);
}

bool sets_up_second_factor(const Operation& operation) {
    static constexpr std::string_view ids[] = {"getMySecondFactor", "beginMySecondFactor", "confirmMySecondFactor"};
    return std::ranges::find(ids, operation.id) != std::end(ids);
}

bool is_json_type(std::string_view content_type) {
    const std::string_view type = content_type.substr(0, content_type.find(';'));
    return type == "application/json" || type == "application/merge-patch+json";
}

}  // namespace

Api::Api(Routes& routes, ApiServices services)
    : routes_(routes), services_(std::move(services)), stream_seats_(std::make_shared<StreamSeats>()) {
    // Before the administration's thread has work. Without it, an attack slows down who is at their usual address.
    try {
        for (const auto& [user, address] : AuditLog(services_.administration).places("signIn", sign_ins_recalled)) {
            throttle_.succeeded(user, address);
        }
    } catch (const database::DatabaseError& failed) {
        services_.log.warn("the addresses of earlier sign-ins are not known", kv("reason", failed.what()));
    }
}

void Api::read(Operation operation, BlockingHandler handler) {
    add(Route{std::move(operation), Place::readers, std::move(handler), nullptr});
}

void Api::administer(Operation operation, BlockingHandler handler) {
    add(Route{std::move(operation), Place::administration, std::move(handler), nullptr});
}

void Api::wait(Operation operation, WaitingHandler handler) {
    add(Route{std::move(operation), Place::io, nullptr, std::move(handler)});
}

void Api::add(Route route) {
    const Route& kept = operations_.emplace_back(std::move(route));
    const Operation& operation = kept.operation;
    const std::string path = std::string(api_base) + operation.path;
    HttpHandler serve = [self = shared_from_this(), &kept](const HttpRequest& request) {
        return self->serve(kept, request);
    };
    if (operation.upload_max == 0) return routes_.add(operation.method, path, std::move(serve));
    routes_.add_piecewise(operation.method, path, operation.upload_max, std::move(serve));
}

void Api::define(const std::string& name, Json schema) {
    definitions_[name] = std::move(schema);
}

Json Api::reference(const std::string& name) {
    return {{"$ref", "#/components/schemas/" + name}};
}

std::string Api::csrf_token(const std::string& session_id) const {
    return secrets::signature(key(), "csrf " + session_id);
}

// g++ 12 at -O2 takes Asio's recycled coroutine frames for memory that is freed the wrong way.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

/// The edge: whatever is thrown below becomes an answer here or, for bugs, in the connection.
asio::awaitable<HttpResponse> Api::serve(const Route& route, const HttpRequest& request) {
    Call call{route.operation, request, services_.clock.wall_now(), services_.clock.now()};
    HttpResponse response;
    try {
        response = co_await answer(route, call);
    } catch (const ProblemError& problem) {
        response = problem.answer(request);
    } catch (const database::DatabaseError& failed) {
        services_.log.error("a database cannot be used", kv("request", request.id), kv("reason", failed.what()));
        response = make_problem(request, 503, "unavailable", "A database cannot be used now; the log has the reason.");
        response.headers.emplace_back("Retry-After", "5");
    }
    co_await finish(call, response);
    co_await write_audit(call, response.status);
    co_return response;
}

/// What all answers have in common: no words of peers for those who may not see patients, and gzip.
asio::awaitable<void> Api::finish(const Call& call, HttpResponse& response) {
    const bool is_json = response.content_type.find("json") != std::string::npos;
    const bool mask = is_json && !call.may_see_patients() && has_peer_words(response.content());
    if (!mask && !is_worth_packing(response)) co_return;
    auto work = [&] {
        if (mask) {
            Json content = Json::parse(response.content(), nullptr, false);
            remove_peer_words(content);
            response.static_body = {};
            response.body = content.dump(-1, ' ', false, Json::error_handler_t::replace);
        }
        compress(call.request, response);
    };
    co_await run_blocking(services_.readers_pool, work);
}

asio::awaitable<HttpResponse> Api::answer(const Route& route, Call& call) {
    co_await admit(route, call);
    const std::string_view key = call.request.header("Idempotency-Key");
    // What changes nothing may be done as often as somebody likes, and answers at length.
    const bool changes = call.operation.method == "POST" && call.operation.audited && !call.is_dry_run();
    const bool once = changes && !key.empty() && call.who;
    if (once) co_return co_await run_once(route, call);
    co_return co_await run(route, call);
}

/// Every check that needs no look at the body. Throws ProblemError.
asio::awaitable<void> Api::admit(const Route& route, Call& call) {
    const Operation& operation = route.operation;
    check_query(operation, call.request);
    const Credentials credentials = read_credentials(call.request);
    if (!credentials.session.empty() || !credentials.bearer.empty()) {
        auto find = [&] { return find_principal(credentials, call.request, call.now); };
        call.who = co_await run_blocking(services_.administration_pool, find);
    }
    if (call.who) check_rate(call.who->user.id, call.steady_now);
    if (operation.access == Access::anyone) {
        if (!operation.is_safe()) check_not_foreign(call.request);
        co_return;
    }
    if (!call.who) {
        throw ProblemError(401, "unauthenticated", "Sign in, or send a token that is valid.")
            .with_header("WWW-Authenticate", "Bearer");
    }
    if (!operation.is_safe() && !call.who->by_token()) check_csrf(call.request, csrf_token(call.who->session_id));
    check_may(operation, *call.who);
}

std::optional<Principal> Api::find_principal(const Credentials& credentials, const HttpRequest& request, WallTime now,
                                             bool in_use) const {
    if (!credentials.session.empty()) {
        auto found = sessions().find(credentials.session, now, in_use);
        if (!found) return std::nullopt;
        return Principal{std::move(found->second), found->first.id, "", {}};
    }
    auto found = tokens().find(credentials.bearer, request.address, now);
    if (!found) return std::nullopt;
    if (found->new_address) {
        AuditEntry entry;
        entry.user = found->user.username;
        entry.address = request.address;
        entry.action = "useToken";
        entry.object = found->token.name;
        entry.outcome = "done";
        entry.request_id = request.id;
        AuditLog(services_.administration).add(entry, now);
    }
    return Principal{std::move(found->user), "", found->token.id, found->token.scopes};
}

void Api::check_may(const Operation& operation, const Principal& who) const {
    // A password that somebody else has set is good for one thing: to set another one.
    if (who.user.must_change_password && !who.by_token() && !counts_before_password_change(operation)) {
        throw ProblemError(403, "password_change_required", "Set a new password first: PUT /me/password.");
    }
    const bool begins = counts_before_password_change(operation) || sets_up_second_factor(operation);
    if (!begins && !who.by_token() && lacks_second_factor(who.user)) {
        throw ProblemError(403, "second_factor_setup_required",
                           "Administrators need a second factor here; set one up first: POST /me/totp.");
    }
    if (operation.access == Access::signed_in) {
        // Own sessions, password and tokens are for people: a stolen token must not make itself permanent.
        if (who.by_token() && !operation.is_safe()) {
            throw ProblemError(403, "forbidden", "A token cannot do this; sign in with the password.");
        }
        return;
    }
    const Role needed = operation.access == Access::admin     ? Role::admin
                        : operation.access == Access::operate ? Role::operate
                                                              : Role::viewer;
    if (who.user.role < needed) {
        throw ProblemError(403, "forbidden", fmt::format("This needs the role {}.", to_string(needed)));
    }
    if (!who.may(needed, operation.scope)) {
        throw ProblemError(403, "forbidden", fmt::format("This needs a token with the scope {}.", operation.scope));
    }
    if (operation.phi && !who.may_see_patients()) {
        throw ProblemError(403, "phi_permission_required", "This shows patient data and needs that permission.");
    }
}

bool Api::lacks_second_factor(const User& user) const {
    return user.role == Role::admin && !user.second_factor && sign_in_settings().second_factor_for_admins;
}

bool Api::may(const Operation& operation, const Principal& who) const {
    try {
        check_may(operation, who);
        return true;
    } catch (const ProblemError&) {
        return false;
    }
}

void Api::check_query(const Operation& operation, const HttpRequest& request) const {
    std::vector<FieldError> faults;
    for (const auto& [name, value] : request.query) {
        const auto known = std::ranges::find(operation.query, name, &QueryParameter::name);
        if (known == operation.query.end()) {
            faults.push_back({"?" + name, "unknown", "there is no such parameter"});
            continue;
        }
        for (FieldError& fault : schema_faults(known->schema, query_value(known->schema, value), definitions_)) {
            faults.push_back({"?" + name, fault.code, fault.detail});
        }
    }
    if (!faults.empty()) throw invalid("Something is wrong with the parameters.", std::move(faults));
}

void Api::take_body(Call& call) const {
    const Operation& operation = call.operation;
    if (!operation.takes_body() || operation.upload_max > 0 || operation.body_type != "application/json") return;
    if (operation.body_is_optional && call.request.body.empty()) {
        call.body = Json::object();
        return;
    }
    if (!is_json_type(call.request.header("Content-Type"))) {
        throw ProblemError(415, "unsupported_media_type", "The body must be application/json.");
    }
    call.body = parse_body(call.request.body);
    auto faults = schema_faults(operation.body, call.body, definitions_);
    if (!faults.empty()) throw invalid("Something is wrong with the body.", std::move(faults));
}

/// Into a file, so that nobody's memory fills up; only from who may do what it is for.
asio::awaitable<void> Api::take_upload(Call& call) {
    if (call.request.header("Content-Type") != call.operation.body_type) {
        throw ProblemError(415, "unsupported_media_type",
                           fmt::format("The body must be {}.", call.operation.body_type));
    }
    if (uploads_ >= uploads_max) {
        throw ProblemError(503, "busy", "Too many uploads are under way; wait until one of them has ended.")
            .with_header("Retry-After", "10");
    }
    struct Count {
        explicit Count(int& count) : value(count) { ++value; }
        ~Count() { --value; }
        int& value;
    };
    const Count one(uploads_);
    const auto config = services_.config.snapshot();
    UploadPlace place{services_.folders.ops(), uploads_folder(config->folders), config->disk_free_min,
                      services_.readers_pool};
    call.upload = co_await receive_upload(*call.request.input, std::move(place));
}

asio::awaitable<HttpResponse> Api::run(const Route& route, Call& call) {
    if (route.operation.upload_max > 0) co_await take_upload(call);
    if (route.place == Place::io) {
        auto take = [&] { take_body(call); };
        if (call.request.body.size() > body_on_io_max) {
            co_await run_blocking(services_.readers_pool, take);
        } else {
            take();
        }
        co_return co_await route.waiting(call);
    }
    auto work = [&] {
        take_body(call);
        return route.blocking(call);
    };
    asio::thread_pool& pool = route.place == Place::readers ? services_.readers_pool : services_.administration_pool;
    co_return co_await run_blocking(pool, work);
}

asio::awaitable<HttpResponse> Api::run_once(const Route& route, Call& call) {
    const HttpRequest& request = call.request;
    const IdempotencyKeys::Id key{
        call.user().id, fmt::format("{} {}", call.operation.id, secrets::digest(request.header("Idempotency-Key")))};
    // Of an upload only its length is known before it is here.
    const std::string what = request.input ? std::string(request.header("Content-Length")) : request.body;
    // An answer for somebody who may see patients is none for a token of the same user that may not.
    const std::string_view shown = call.may_see_patients() ? "all" : "masked";
    const std::string digest = secrets::digest(fmt::format("{}\n{}\n{}", shown, request.target, what));
    if (auto replay = idempotency_.begin(key, digest, call.steady_now)) co_return *std::move(replay);
    HttpResponse response;
    std::exception_ptr failed;
    try {
        response = co_await run(route, call);
    } catch (...) {
        failed = std::current_exception();
    }
    // What was refused may be mended and sent again under the same key.
    if (failed || response.status >= 400) {
        idempotency_.give_up(key);
    } else {
        idempotency_.finish(key, response);
    }
    if (failed) std::rethrow_exception(failed);
    co_return response;
}

/// Every write of somebody who is known, and every try of somebody who is not. Malformed requests changed nothing.
asio::awaitable<void> Api::write_audit(const Call& call, unsigned status) {
    const bool refused = status == 401 || status == 403 || status == 429;
    const bool failed = status >= 400 && !refused;
    // What the throttle refuses is no try, and comes as often as somebody likes.
    const bool known = call.who || (!call.audited_user.empty() && status != 429 && status != 503);
    const bool counts = call.operation.is_safe() ? call.operation.audit_reads : call.operation.audited;
    if (!counts || !known || (failed && status < 500)) co_return;
    AuditEntry entry;
    // Who signs in over somebody else's session is the one who acts.
    entry.user = call.audited_user.empty() ? call.who->user.username : call.audited_user;
    entry.address = call.request.address;
    entry.action = call.operation.id;
    entry.object = call.request.path.substr(std::min(api_base.size(), call.request.path.size()));
    if (!call.audited_object.empty()) entry.object += " " + call.audited_object;
    entry.outcome = refused ? "refused" : failed ? "failed" : "done";
    entry.request_id = call.request.id;
    entry.revision = call.revision;
    auto write = [&] { AuditLog(services_.administration).add(entry, call.now); };
    try {
        co_await run_blocking(services_.administration_pool, write);
    } catch (const database::DatabaseError& lost) {
        services_.log.error("the audit cannot be written", kv("action", entry.action), kv("reason", lost.what()));
    }
}

void Api::check_rate(const std::string& user_id, SteadyTime now) {
    if (rates_.size() > rates_kept_max) {
        std::erase_if(rates_, [&](const auto& entry) { return entry.second.is_full(now); });
    }
    auto& bucket = rates_.try_emplace(user_id, requests_at_once, requests_per_second).first->second;
    if (const auto wait = bucket.take(now); wait.count() > 0) throw too_many(wait);
}

}  // namespace quicksilver::api

namespace quicksilver {

void add_api_routes(Routes& routes, ApiServices services) {
    const auto api = std::make_shared<api::Api>(routes, std::move(services));
    api::add_session_operations(*api);
    api::add_own_account_operations(*api);
    api::add_second_factor_operations(*api);
    api::add_user_operations(*api);
    api::add_audit_operations(*api);
    api::add_system_operations(*api);
    api::add_rule_operations(*api);
    api::add_target_operations(*api);
    api::add_module_image_operations(*api);
    api::add_module_operations(*api);
    api::add_module_persistence_operations(*api);
    api::add_module_trial_operations(*api);
    api::add_settings_operations(*api);
    api::add_revision_operations(*api);
    api::add_rule_trial_operations(*api);
    api::add_series_operations(*api);
    api::add_task_operations(*api);
    api::add_event_operations(*api);
    api::add_study_operations(*api);
    api::add_pipeline_actions(*api);
    api::add_log_operations(*api);
    api::add_dicom_operations(*api);
    api::add_thumbnail_operations(*api);
    api::add_attention_operations(*api);
    api::add_running_operations(*api);
    api::add_target_actions(*api);
    api::add_task_actions(*api);
    api::add_task_detail_operations(*api);
    api::add_series_file_operations(*api);
    api::add_statistics_operations(*api);
    api::add_storage_operations(*api);
    api::add_source_operations(*api);
    api::add_problem_pages(routes);
    api::add_schema_pages(routes, api->openapi("").at("components").at("schemas"));
}

}  // namespace quicksilver
