#include "quicksilver/http/bookkeeper_routes.hpp"

#include "quicksilver/core/address_range.hpp"
#include "quicksilver/core/json_depth.hpp"
#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/http/problem.hpp"
#include "quicksilver/store/bookkeeper_queries.hpp"
#include "quicksilver/store/durable_file.hpp"
#include "quicksilver/store/secrets.hpp"

#include "api/sign_in_throttle.hpp"
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

constexpr std::size_t listed_max = 10'000;
constexpr double wrong_keys_max = 20;  // a minute
constexpr std::size_t clients_max = 10'000;
constexpr unsigned depth_max = 100;

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

    using Question = std::function<json(History& history, const HttpRequest& request)>;

    asio::awaitable<HttpResponse> read(const HttpRequest& request, const Question& question) {
        if (auto refused = refusal(request)) co_return *std::move(refused);
        auto ask = [&]() -> std::optional<json> {
            try {
                return services_.history.ask([&](History& history) { return question(history, request); });
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

std::uint64_t number_in(const HttpRequest& request, const char* parameter, std::uint64_t otherwise) {
    const std::string text(request.query_value(parameter));
    return text.empty() ? otherwise : number_in(text);
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

std::optional<JournalEntry> task_update(const HttpRequest& request, WallTime now) {
    const json body = read_json(request);
    if (!body.is_object() || text_of(body, "id").empty()) return std::nullopt;
    return journal::TaskUpdated{now, text_of(body, "id"), request.body};
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
                              form.value("info")};
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
        return found == body.end() ? std::string("null") : found->dump(-1, ' ', false, json::error_handler_t::replace);
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

/// As mercure shows times: without zone.
std::string local_time(const std::string& rfc3339_text) {
    const auto time = parse_rfc3339(rfc3339_text);
    return time ? local_timestamp(*time) : rfc3339_text;
}

json query_dicom_files(History& history, const HttpRequest& request) {
    json list = json::array();
    BookkeeperQueries queries(history.connection());
    for (const BookkeeperQueries::File& file : queries.dicom_files(request.query_value("series_uid"))) {
        list.push_back({{"id", file.id},
                        {"time", local_time(file.time)},
                        {"filename", file.filename},
                        {"file_uid", file.file_uid},
                        {"series_uid", file.series_uid}});
    }
    return list;
}

std::string read_log_file(const std::string& path) {
    constexpr std::size_t log_bytes_max = 4 * 1024 * 1024;
    auto text = read_text_file(path, log_bytes_max);
    return text ? *std::move(text) : std::string();
}

json query_process_logs(History& history, const HttpRequest& request) {
    json list = json::array();
    BookkeeperQueries queries(history.connection());
    for (const BookkeeperQueries::ProcessLog& log : queries.process_logs(request.query_value("task_id"))) {
        list.push_back({{"id", log.id},
                        {"task_id", log.task_id},
                        {"module_name", log.module},
                        {"time", local_time(log.time)},
                        {"logs", log.file.empty() ? log.text : read_log_file(log.file)}});
    }
    return list;
}

json query_process_results(History& history, const HttpRequest& request) {
    json list = json::array();
    BookkeeperQueries queries(history.connection());
    for (const BookkeeperQueries::ProcessResult& result : queries.process_results(request.query_value("task_id"))) {
        list.push_back({{"id", result.id},
                        {"time", local_time(result.time)},
                        {"task_id", result.task_id},
                        {"task_acc", result.acc},
                        {"task_mrn", result.mrn},
                        {"module", result.module},
                        {"index", result.index},
                        {"settings", json::parse(result.settings, nullptr, false)},
                        {"output", json::parse(result.output, nullptr, false)}});
        for (const char* member : {"settings", "output"}) {
            if (list.back()[member].is_discarded()) list.back()[member] = nullptr;
        }
    }
    return list;
}

/// For the table widget that mercure's page uses.
json query_find_task(History& history, const HttpRequest& request) {
    constexpr std::uint64_t page_max = 500;
    BookkeeperQueries::TaskSearch search;
    search.text = request.query_value("search[value]");
    search.studies_only = request.query_value("study_filter") == "true";
    search.column = static_cast<int>(std::min<std::uint64_t>(number_in(request, "order[0][column]", 3), 4));
    search.ascending = request.query_value("order[0][dir]") == "asc";
    search.start = static_cast<std::int64_t>(std::min<std::uint64_t>(number_in(request, "start", 0), INT32_MAX));
    search.length = static_cast<std::int64_t>(std::min(number_in(request, "length", 10), page_max));
    const auto found = BookkeeperQueries(history.connection()).find_tasks(search);
    json data = json::array();
    for (const BookkeeperQueries::FoundTask& task : found.page) {
        data.push_back({{"DT_RowId", "task_" + task.id},
                        {"ACC", task.acc},
                        {"MRN", task.mrn},
                        {"Scope", task.scope == "study" ? "STUDY" : "SERIES"},
                        {"Time", local_time(task.time)},
                        {"Rule", task.rules},
                        {"task_id", task.id}});
    }
    return {{"draw", number_in(request, "draw", 0)},
            {"recordsTotal", found.total},
            {"recordsFiltered", found.matching},
            {"data", std::move(data)}};
}

json query_series(History& history, const HttpRequest& request) {
    json list = json::array();
    SeriesFilter filter;
    filter.limit = listed_max;
    const std::string_view uid = request.query_value("series_uid");
    for (const SeriesItem& item : history.series(filter)) {
        if (!uid.empty() && item.series_uid != uid) continue;
        list.push_back({{"time", item.first_seen},
                        {"series_uid", item.series_uid},
                        {"tag_seriesdescription", item.series_description},
                        {"tag_modality", item.modality}});
    }
    return list;
}

json query_tasks(History& history, const HttpRequest&) {
    json list = json::array();
    TaskFilter filter;
    filter.limit = listed_max;
    for (const TaskItem& item : history.tasks(filter)) {
        if (!item.parent_id.empty()) continue;
        list.push_back({{"id", item.id}, {"time", item.time}, {"series_uid", item.series_uid}});
    }
    return list;
}

json query_task_events(History& history, const HttpRequest& request) {
    json list = json::array();
    for (const EventItem& item : history.events_of_task(request.query_value("task_id"))) {
        list.push_back({{"id", item.id},
                        {"task_id", item.task_id},
                        {"time", item.time},
                        {"sender", item.sender},
                        {"event", item.event},
                        {"file_count", item.file_count},
                        {"target", item.target},
                        {"info", item.info}});
    }
    return list;
}

}  // namespace

void add_bookkeeper_routes(Routes& routes, BookkeeperRoutes services) {
    const auto books = std::make_shared<Bookkeeping>(std::move(services));
    const auto writes = [&](const char* path, Bookkeeping::Entry make) {
        routes.add("POST", path,
                   [books, make = std::move(make)](const HttpRequest& request) { return books->write(request, make); });
    };
    const auto reads = [&](const char* path, Bookkeeping::Question question) {
        routes.add("GET", path, [books, question = std::move(question)](const HttpRequest& request) {
            return books->read(request, question);
        });
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
    reads("/query/series", query_series);
    reads("/query/tasks", query_tasks);
    reads("/query/task-events", query_task_events);
    writes("/processor-logs", processor_log);
    writes("/store-processor-output", processor_output);
    reads("/query/dicom-files", query_dicom_files);
    reads("/query/task_process_logs", query_process_logs);
    reads("/query/task_process_results", query_process_results);
    reads("/query/find_task", query_find_task);
}

}  // namespace quicksilver
