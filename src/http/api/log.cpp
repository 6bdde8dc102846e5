#include "quicksilver/core/log_ring.hpp"
#include "quicksilver/http/problem.hpp"

#include "api.hpp"
#include "cursor.hpp"

namespace quicksilver::api {

namespace {

const std::vector<std::string> levels = {"trace", "debug", "info", "warn", "error"};

Json line_schema() {
    return schema::object({{"number", schema::integer(0, INT64_MAX)},
                           {"time", schema::time()},
                           {"level", schema::choice(levels)},
                           {"component", schema::text()},
                           {"message", schema::text(10'000)},
                           {"fields", schema::any_object()}});
}

Json to_json(const LogLine& line) {
    Json fields = Json::object();
    for (const auto& [key, value] : line.fields) fields[key] = value;
    return {{"number", line.number},  {"time", rfc3339(line.time)}, {"level", to_string(line.level)},
            {"component", line.area}, {"message", line.message},    {"fields", std::move(fields)}};
}

HttpResponse list_lines(const Api& api, const Call& call) {
    LogRing::Filter filter;
    parse_log_level(call.query("level").empty() ? "trace" : call.query("level"), filter.level);
    filter.area = call.query("component");
    filter.text = call.query("q");
    filter.limit = call.limit() + 1;
    if (const std::string cursor = call.query("cursor"); !cursor.empty()) {
        filter.before = read_cursor(api.key(), "log", cursor).get<std::uint64_t>();
    }
    auto lines = api.services().recent_log->lines(filter);
    Json next;
    if (lines.size() > call.limit()) {
        lines.pop_back();
        next = make_cursor(api.key(), "log", lines.back().number);
    }
    Json items = Json::array();
    for (const LogLine& line : lines) items.push_back(to_json(line));
    return make_json({{"items", std::move(items)}, {"next_cursor", std::move(next)}});
}

}  // namespace

void add_log_operations(Api& api) {
    if (!api.services().recent_log) return;
    api.read({.method = "GET",
              .path = "/log",
              .id = "listLog",
              .summary = "The last lines of the log, newest first; they hold no patient data",
              .tag = "log",
              .query = paged({{"level", schema::choice(levels), "This level and worse."},
                              {"component", schema::text(64), "Area of the program."},
                              {"q", schema::text(200), "Part of the message or of a value, such as a UID."}}),
              .answer = schema::object(
                  {{"items", schema::list_of(line_schema())}, {"next_cursor", schema::optional(schema::text())}})},
             [&api](Call& call) { return list_lines(api, call); });
}

}  // namespace quicksilver::api
