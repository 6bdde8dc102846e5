#include "quicksilver/core/log_ring.hpp"
#include "quicksilver/http/problem.hpp"

#include "api.hpp"
#include "cursor.hpp"

#include <algorithm>
#include <optional>

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

std::optional<WallTime> time_of(const Call& call, const char* name) {
    const std::string text = call.query(name);
    if (text.empty()) return std::nullopt;
    const auto time = parse_rfc3339(text);
    if (time) return time;
    throw invalid("Something is wrong with the parameters.",
                  {{std::string("?") + name, "format", "must be a time such as 2026-11-22T10:00:00Z"}});
}

/// What the log itself does not choose by.
class Chosen {
public:
    explicit Chosen(const Call& call)
        : series_(call.query("series")), from_(time_of(call, "from")), to_(time_of(call, "to")) {}

    bool has(const LogLine& line) const {
        const bool of_series = series_.empty() || std::ranges::any_of(line.fields, [&](const auto& field) {
                                   return field.second == series_;
                               });
        return of_series && !is_before(line) && !(to_ && line.time >= *to_);
    }
    /// All further lines are as well.
    bool is_before(const LogLine& line) const { return from_ && line.time < *from_; }

private:
    std::string series_;
    std::optional<WallTime> from_, to_;
};

std::vector<LogLine> chosen_lines(const LogRing& ring, LogRing::Filter filter, const Chosen& chosen) {
    std::vector<LogLine> found;
    for (;;) {
        const auto lines = ring.lines(filter);
        for (const LogLine& line : lines) {
            if (chosen.is_before(line)) return found;
            if (chosen.has(line)) found.push_back(line);
            if (found.size() == filter.limit) return found;
        }
        if (lines.size() < filter.limit) return found;
        filter.before = lines.back().number;
    }
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
    auto lines = chosen_lines(*api.services().recent_log, filter, Chosen(call));
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
                              {"q", schema::text(200), "Part of the message or of a value, such as a UID."},
                              {"series", schema::text(64), "Lines that name the series with this UID."},
                              {"from", schema::text(40), "Not before this time (RFC 3339)."},
                              {"to", schema::text(40), "Before this time."}}),
              .answer = schema::object(
                  {{"items", schema::list_of(line_schema())}, {"next_cursor", schema::optional(schema::text())}})},
             [&api](Call& call) { return list_lines(api, call); });
}

}  // namespace quicksilver::api
