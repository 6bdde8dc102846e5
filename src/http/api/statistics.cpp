#include "quicksilver/store/statistics.hpp"

#include "quicksilver/http/problem.hpp"

#include "api.hpp"
#include "target_health.hpp"

#include <charconv>
#include <map>

namespace quicksilver::api {

namespace {

constexpr std::int64_t steps_max = 2000;
constexpr std::int64_t step_s_default = 3600;
constexpr auto window_default = std::chrono::hours(24);
constexpr std::size_t latencies_max = 200'000;

WallTime time_or(const Call& call, const char* name, WallTime otherwise) {
    const std::string text = call.query(name);
    if (text.empty()) return otherwise;
    const auto time = parse_rfc3339(text);
    if (time) return *time;
    throw invalid("Something is wrong with the parameters.",
                  {{std::string("?") + name, "format", "must be a time such as 2026-11-22T10:00:00Z"}});
}

Statistics::Window window_of(const Call& call) {
    const WallTime to = time_or(call, "to", call.now);
    const WallTime from = time_or(call, "from", to - window_default);
    Statistics::Window window{rfc3339(from), rfc3339(to), 0, step_s_default};
    window.from_s = std::chrono::floor<std::chrono::seconds>(from.time_since_epoch()).count();
    const std::string step = call.query("step");
    std::from_chars(step.data(), step.data() + step.size(), window.step_s);
    if (from >= to) throw invalid("Something is wrong with the parameters.", {{"?from", "range", "is not before to"}});
    const auto length = std::chrono::duration_cast<std::chrono::seconds>(to - from).count();
    if (length / window.step_s > steps_max) {
        throw invalid("Something is wrong with the parameters.", {{"?step", "range", "makes more than 2000 steps"}});
    }
    return window;
}

/// A value of each rule in the list of those that triggered.
std::vector<std::string> names_in(const std::string& list) {
    std::vector<std::string> names;
    std::string_view rest = list;
    while (!rest.empty()) {
        const std::string_view name = rest.substr(0, rest.find(", "));
        rest.remove_prefix(std::min(name.size() + 2, rest.size()));
        names.emplace_back(name);
    }
    if (names.empty()) names.emplace_back();
    return names;
}

std::vector<Statistics::Value> values_of(Statistics statistics, const std::string& metric, const std::string& group,
                                         const Statistics::Window& window) {
    if (metric == "deliveries" || metric == "delivery_failures") {
        return statistics.deliveries(metric == "delivery_failures", group == "target", window);
    }
    using Metric = Statistics::SeriesMetric;
    using Group = Statistics::SeriesGroup;
    const Metric asked = metric == "instances" ? Metric::instances
                         : metric == "bytes"   ? Metric::bytes
                         : metric == "failed"  ? Metric::failed
                                               : Metric::series;
    const Group by = group == "modality" ? Group::modality : group == "rule" ? Group::rule : Group::none;
    return statistics.series(asked, by, window);
}

/// Columns, as charts take them: the times, and for each key a value at each time.
HttpResponse show_timeseries(const Api& api, const Call& call) {
    const Statistics::Window window = window_of(call);
    const std::string metric = call.query("metric").empty() ? "series" : call.query("metric");
    const std::string group = call.query("group_by");
    const bool of_targets = metric == "deliveries" || metric == "delivery_failures";
    if (!group.empty() && of_targets != (group == "target")) {
        throw invalid("Something is wrong with the parameters.",
                      {{"?group_by", "choice", "deliveries go by target, all else by modality or rule"}});
    }
    const auto values = api.services().history.ask(
        [&](History& history) { return values_of(Statistics(history.connection()), metric, group, window); });
    const auto to_s = std::chrono::ceil<std::chrono::seconds>(parse_rfc3339(window.to)->time_since_epoch()).count();
    const auto steps = static_cast<std::size_t>((to_s - window.from_s + window.step_s - 1) / window.step_s);
    Json times = Json::array();
    for (std::size_t n = 0; n < steps; ++n) times.push_back(window.from_s + window.step_s * static_cast<int>(n));
    std::map<std::string, std::vector<double>> columns;
    if (group.empty()) columns[""].resize(steps);
    for (const Statistics::Value& value : values) {
        const auto names = group == "rule" ? names_in(value.key) : std::vector<std::string>{value.key};
        for (const std::string& name : names) {
            std::vector<double>& column = columns[name];
            column.resize(steps);
            const auto place = static_cast<std::size_t>(std::max<std::int64_t>(value.step, 0));
            if (place < steps) column[place] += value.value;
        }
    }
    Json series = Json::array();
    for (auto& [key, column] : columns) series.push_back({{"key", key}, {"v", std::move(column)}});
    return make_json({{"t", std::move(times)}, {"series", std::move(series)}});
}

HttpResponse show_latency(const Api& api, const Call& call) {
    const Statistics::Window window = window_of(call);
    const bool by_rule = call.query("group_by") == "rule";
    const auto latencies = api.services().history.ask(
        [&](History& history) { return Statistics(history.connection()).latencies(by_rule, window, latencies_max); });
    std::map<std::string, std::vector<double>> groups;
    for (const Statistics::Latency& one : latencies) {
        for (const std::string& name : names_in(one.key)) groups[name].push_back(one.seconds);
    }
    Json items = Json::array();
    for (auto& [key, seconds] : groups) {
        items.push_back({{"key", key},
                         {"count", seconds.size()},
                         {"p50_s", quantile(seconds, 0.5)},
                         {"p95_s", quantile(seconds, 0.95)},
                         {"p99_s", quantile(seconds, 0.99)}});
    }
    return make_json({{"items", std::move(items)}});
}

}  // namespace

void add_statistics_operations(Api& api) {
    const std::string tag = "statistics";
    const Json optional_number = schema::optional(schema::number());
    const Json time = schema::text(40);
    const std::vector<QueryParameter> window = {{"from", time, "Begin (RFC 3339); a day before the end."},
                                                {"to", time, "End; now."}};
    std::vector<QueryParameter> chart = window;
    chart.push_back({"step", schema::integer(60, 31LL * 86'400), "Seconds; 3600."});
    chart.push_back({"metric",
                     schema::choice({"series", "instances", "bytes", "failed", "deliveries", "delivery_failures"}),
                     "What is counted; series."});
    chart.push_back({"group_by", schema::choice({"modality", "rule", "target"}), "A column for each."});
    const Json column = schema::object({{"key", schema::text(10'000)}, {"v", schema::list_of(schema::number())}});
    api.read({.method = "GET",
              .path = "/stats/timeseries",
              .id = "getTimeseries",
              .summary = "Columns for charts: how much in each step of time",
              .tag = tag,
              .query = chart,
              .answer = schema::object({{"t", schema::list_of(schema::integer(INT64_MIN, INT64_MAX))},
                                        {"series", schema::list_of(column)}})},
             [&api](Call& call) { return show_timeseries(api, call); });
    std::vector<QueryParameter> latency = window;
    latency.push_back({"group_by", schema::choice({"rule"}), "For each rule."});
    const Json item = schema::object({{"key", schema::text(10'000)},
                                      {"count", schema::integer(0, INT64_MAX)},
                                      {"p50_s", optional_number},
                                      {"p95_s", optional_number},
                                      {"p99_s", optional_number}});
    api.read({.method = "GET",
              .path = "/stats/latency",
              .id = "getLatency",
              .summary = "From the first instance to the end, of series that are done",
              .tag = tag,
              .query = latency,
              .answer = schema::object({{"items", schema::list_of(item)}})},
             [&api](Call& call) { return show_latency(api, call); });
}

}  // namespace quicksilver::api
