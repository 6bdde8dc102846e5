#include "quicksilver/http/bookkeeper_routes.hpp"

#include "quicksilver/core/address_range.hpp"
#include "quicksilver/core/json_depth.hpp"
#include "quicksilver/core/peer_text.hpp"
#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/http/problem.hpp"
#include "quicksilver/store/secrets.hpp"

#include "api/sign_in_throttle.hpp"
#include "bookkeeper_answers.hpp"
#include "form.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <map>

namespace quicksilver {

namespace asio = boost::asio;
using nlohmann::json;

namespace {

constexpr double wrong_keys_max = 20;  // a minute
constexpr std::size_t clients_max = 10'000;
constexpr unsigned depth_max = 100;
constexpr std::size_t said_bytes_max = 10'000;

class Bookkeeping {
public:
    explicit Bookkeeping(BookkeeperRoutes services) : services_(std::move(services)) {}

    /// Nothing when the key fits. Somebody chose it, so it can be guessed: twenty times a minute from one place.
    std::optional<HttpResponse> refusal(const HttpRequest& request) {
        const std::string key = services_.config()->bookkeeper_api_key;
        if (key.empty()) {
            return make_problem(request, 403, "no_key",
                                "These endpoints need bookkeeper_api_key in the configuration.");
        }
        if (wrong_.size() >= clients_max) wrong_.clear();
        api::TokenBucket& tries =
            wrong_.try_emplace(client_of_address(request.address), wrong_keys_max, wrong_keys_max / 60).first->second;
        api::TokenBucket after = tries;
        if (const auto wait = after.take(services_.clock.now()); wait.count() > 0) {
            HttpResponse response = make_problem(request, 429, "throttled", "Too many wrong keys; wait a little.");
            response.headers.emplace_back("Retry-After", std::to_string((wait.count() + 999) / 1000));
            return response;
        }
        if (secrets::equal(request.header("Authorization"), "Token " + key)) return std::nullopt;
        tries = after;
        return make_problem(request, 401, "unauthenticated", "Send the header Authorization: Token KEY.");
    }

    using Entry = std::function<std::optional<JournalEntry>(const HttpRequest& request, WallTime now)>;

    asio::awaitable<HttpResponse> write(const HttpRequest& request, const Entry& make) {
        if (auto refused = refusal(request)) co_return *std::move(refused);
        auto entry = make(request, services_.clock.wall_now());
        if (!entry) {
            co_return make_problem(request, 400, "malformed_request", "A field is missing or the body cannot be read.");
        }
        services_.record(*std::move(entry));
        co_return make_json({{"ok", ""}});
    }

    asio::awaitable<HttpResponse> read(const HttpRequest& request, const BookkeeperQuestion& question) {
        if (auto refused = refusal(request)) co_return *std::move(refused);
        auto ask = [&]() -> std::optional<json> {
            try {
                return services_.history.ask([&](History& history) {
                    BookkeeperQueries queries(history.connection());
                    return question(BookkeeperAsked{queries, request, services_.folders, services_.clock.wall_now()});
                });
            } catch (const database::DatabaseError&) {
                return std::nullopt;
            }
        };
        const std::optional<json> answer = co_await run_blocking(services_.readers_pool, ask);
        if (!answer) {
            HttpResponse response = make_problem(request, 503, "unavailable", "The database cannot be read now.");
            response.headers.emplace_back("Retry-After", "5");
            co_return response;
        }
        co_return make_json(*answer);
    }

private:
    BookkeeperRoutes services_;
    std::map<std::string, api::TokenBucket> wrong_;  // keys, by client
};

/// The type whose name it is; `unknown` for others, as mercure does.
template <class Type>
Type parse_type(const std::string& name, Type last) {
    for (int i = 0; i <= static_cast<int>(last); ++i) {
        if (to_string(static_cast<Type>(i)) == name) return static_cast<Type>(i);
    }
    return Type::unknown;
}

std::uint64_t number_in(const std::string& text) {
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

std::optional<JournalEntry> mercure_event(const HttpRequest& request, WallTime now) {
    const Form form(request.body);
    const auto severity = static_cast<Severity>(std::min<std::uint64_t>(number_in(form.value("severity")), 3));
    return journal::MercureEvent{now, form.value("sender"),
                                 parse_type(form.value("event"), MercureEventType::processing), severity,
                                 form.value("description")};
}

std::optional<JournalEntry> webgui_event(const HttpRequest& request, WallTime now) {
    const Form form(request.body);
    return journal::WebguiEvent{now, form.value("sender"),
                                parse_type(form.value("event"), WebguiEventType::config_edit), form.value("user"),
                                form.value("description")};
}

std::optional<JournalEntry> dicom_file(const HttpRequest& request, WallTime now) {
    const Form form(request.body);
    if (form.value("series_uid").empty()) return std::nullopt;
    return journal::DicomFile{now, form.value("filename"), form.value("file_uid"), form.value("series_uid")};
}

std::optional<JournalEntry> series(const HttpRequest& request, WallTime now) {
    const Form form(request.body);
    const std::string uid = form.value("SeriesInstanceUID");
    if (uid.empty()) return std::nullopt;
    return journal::SeriesRegistered{now, uid, Tags(form.fields())};
}

/// Discarded when it is none, or nested too deep.
json read_json(const HttpRequest& request) {
    if (json_depth(request.body) > depth_max) return json(json::value_t::discarded);
    return json::parse(request.body, nullptr, false);
}

std::string text_of(const json& object, const char* member) {
    const auto found = object.find(member);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<JournalEntry> task(const HttpRequest& request, WallTime now) {
    const json body = read_json(request);
    if (!body.is_object() || text_of(body, "id").empty()) return std::nullopt;
    return journal::TaskRegistered{now, text_of(body, "id"), text_of(body, "parent_id"), text_of(body, "series_uid")};
}

std::string dumped(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// What a helper says in its own words may name the patient, so that it is told from what we say.
std::string helper_text(const std::string& said) {
    return said.empty() ? said : peer_text(said, said_bytes_max);
}

/// The reasons that people are shown of a task.json.
void mark_words(json& task) {
    const auto mark = [](json& object, const char* member) {
        if (object.is_object() && object.contains(member) && object[member].is_string()) {
            object[member] = helper_text(object[member].get<std::string>());
        }
    };
    if (task.contains("info")) mark(task["info"], "fail_reason");
    if (!task.contains("dispatch") || !task["dispatch"].is_object() || !task["dispatch"].contains("status")) return;
    json& status = task["dispatch"]["status"];
    if (!status.is_object()) return;
    for (json& target : status) mark(target, "reason");
}

std::optional<JournalEntry> task_update(const HttpRequest& request, WallTime now) {
    json body = read_json(request);
    if (!body.is_object() || text_of(body, "id").empty()) return std::nullopt;
    std::string id = text_of(body, "id");
    mark_words(body);
    return journal::TaskUpdated{now, std::move(id), dumped(body)};
}

std::optional<JournalEntry> task_event(const HttpRequest& request, WallTime now) {
    const Form form(request.body);
    if (form.value("task_id").empty()) return std::nullopt;
    return journal::TaskEvent{now,
                              form.value("task_id"),
                              form.value("sender"),
                              parse_type(form.value("event"), TaskEventType::process_restart),
                              number_in(form.value("file_count")),
                              form.value("target"),
                              helper_text(form.value("info"))};
}

std::string text_or(const json& object, const char* member, const char* otherwise) {
    std::string text = text_of(object, member);
    return text.empty() ? otherwise : text;
}

std::optional<JournalEntry> test_begin(const HttpRequest& request, WallTime now) {
    const json body = read_json(request);
    if (!body.is_object() || text_of(body, "id").empty()) return std::nullopt;
    return journal::TestBegun{now, text_of(body, "id"), text_or(body, "type", "route"),
                              text_or(body, "rule_type", "series"), text_of(body, "task_id")};
}

std::optional<JournalEntry> test_end(const HttpRequest& request, WallTime now) {
    const json body = read_json(request);
    if (!body.is_object() || text_of(body, "id").empty()) return std::nullopt;
    return journal::TestEnded{now, text_of(body, "id"), text_of(body, "status")};
}

std::optional<JournalEntry> processor_log(const HttpRequest& request, WallTime now) {
    const Form form(request.body);
    const std::string task_id = form.value("task_id");
    if (task_id.empty()) return std::nullopt;
    // Each is a run of its own, and none replaces another.
    const std::string run = fmt::format("{}/helper/{}", task_id, request.id);
    return journal::ProcessorLog{now, task_id, form.value("module_name"), run, 0, false, form.value("logs"), ""};
}

std::optional<JournalEntry> processor_output(const HttpRequest& request, WallTime now) {
    const json body = read_json(request);
    if (!body.is_object() || text_of(body, "task_id").empty()) return std::nullopt;
    const auto index = body.find("index");
    const auto part = [&body](const char* member) {
        const auto found = body.find(member);
        return found == body.end() ? std::string("null") : dumped(*found);
    };
    journal::ProcessorOutput output{now,
                                    text_of(body, "task_id"),
                                    text_of(body, "task_acc"),
                                    text_of(body, "task_mrn"),
                                    text_of(body, "module"),
                                    0,
                                    part("settings"),
                                    part("output")};
    if (index != body.end() && index->is_number_unsigned()) output.index = index->get<unsigned>();
    return output;
}

}  // namespace

void add_bookkeeper_routes(Routes& routes, BookkeeperRoutes services) {
    const auto books = std::make_shared<Bookkeeping>(std::move(services));
    const auto writes = [&](const char* path, Bookkeeping::Entry make) {
        routes.add("POST", path,
                   [books, make = std::move(make)](const HttpRequest& request) { return books->write(request, make); });
    };
    const auto reads = [&](const char* path, const BookkeeperQuestion& question) {
        routes.add("GET", path,
                   [books, question](const HttpRequest& request) { return books->read(request, question); });
    };
    routes.add("GET", "/test", [](const HttpRequest&) -> asio::awaitable<HttpResponse> {
        co_return make_json({{"ok", ""}});
    });
    writes("/mercure-event", mercure_event);
    writes("/webgui-event", webgui_event);
    writes("/register-dicom", dicom_file);
    writes("/register-series", series);
    writes("/register-task", task);
    writes("/update-task", task_update);
    writes("/task-event", task_event);
    writes("/test-begin", test_begin);
    writes("/test-end", test_end);
    writes("/processor-logs", processor_log);
    writes("/store-processor-output", processor_output);
    for (const auto& [path, question] : bookkeeper_questions()) reads(path, question);
}

}  // namespace quicksilver
