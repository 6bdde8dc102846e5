#include "quicksilver/store/statistics.hpp"

#include "quicksilver/core/clock.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace quicksilver {

using database::Statement;

namespace {

std::vector<Statistics::Value> read_values(Statement& row) {
    std::vector<Statistics::Value> values;
    while (row.step()) values.push_back({row.integer(0), row.text(1), static_cast<double>(row.integer(2))});
    return values;
}

/// "Association from ADDRESS rejected: REASON (calling AE A, called AE B)", as the receiver writes it. The names are
/// the peer's own, and may look like anything; they come last.
Statistics::Rejection read_rejection(std::string time, std::string description) {
    static constexpr std::string_view from = "Association from ", rejected = " rejected: ", calling = " (calling AE ",
                                      called = ", called AE ";
    Statistics::Rejection rejection{std::move(time), std::move(description), "", "", "", ""};
    const std::string_view text = rejection.description;
    const std::size_t reason_at = text.find(rejected, from.size());
    const std::size_t calling_at = text.find(calling, reason_at == std::string_view::npos ? 0 : reason_at);
    const std::size_t called_at = text.find(called, calling_at == std::string_view::npos ? 0 : calling_at);
    const bool complete = reason_at != std::string_view::npos && calling_at != std::string_view::npos &&
                          called_at != std::string_view::npos && text.ends_with(')');
    if (!complete) return rejection;
    rejection.address = text.substr(from.size(), reason_at - from.size());
    const std::size_t reason_begin = reason_at + rejected.size();
    rejection.reason = text.substr(reason_begin, calling_at - reason_begin);
    const std::size_t calling_begin = calling_at + calling.size();
    rejection.calling_ae = text.substr(calling_begin, called_at - calling_begin);
    const std::size_t called_begin = called_at + called.size();
    rejection.called_ae = text.substr(called_begin, text.size() - 1 - called_begin);
    return rejection;
}

}  // namespace

// A series of two rules counts for both; that is why the groups of rules are made by who asks.
std::vector<Statistics::Value> Statistics::series(SeriesMetric metric, SeriesGroup group, const Window& window) {
    auto row = connection_.statement(
        "SELECT (unixepoch(t.first_seen) - ?3) / ?4 AS step,"
        " CASE ?6 WHEN 1 THEN coalesce(s.tag_modality, '') WHEN 2 THEN t.rules ELSE '' END AS name,"
        " sum(CASE ?5 WHEN 0 THEN 1 WHEN 1 THEN t.instances WHEN 2 THEN t.bytes ELSE t.state = 'failed' END)"
        " FROM series_state t LEFT JOIN dicom_series s ON s.series_uid = t.series_uid"
        " WHERE t.first_seen >= ?1 AND t.first_seen < ?2 GROUP BY step, name ORDER BY step LIMIT ?7");
    row.bind(window.from, window.to, window.from_s, window.step_s, static_cast<int>(metric), static_cast<int>(group),
             rows_max);
    return read_values(row);
}

std::vector<Statistics::Value> Statistics::deliveries(bool failed, bool by_target, const Window& window) {
    auto row = connection_.statement(
        "SELECT (unixepoch(time) - ?3) / ?4 AS step, CASE WHEN ?6 THEN target ELSE '' END AS name, count(*)"
        " FROM task_events WHERE time >= ?1 AND time < ?2 AND target <> ''"
        " AND event = CASE WHEN ?5 THEN 'ERROR' ELSE 'DISPATCH_COMPLETE' END AND sender LIKE 'dispatcher%'"
        " GROUP BY step, name ORDER BY step LIMIT ?7");
    row.bind(window.from, window.to, window.from_s, window.step_s, int{failed}, int{by_target}, rows_max);
    return read_values(row);
}

std::vector<Statistics::Latency> Statistics::latencies(bool by_rule, const Window& window, std::size_t limit) {
    std::vector<Latency> all;
    auto row = connection_.statement(
        "SELECT CASE WHEN ?3 THEN rules ELSE '' END,"
        " cast((julianday(since) - julianday(first_seen)) * 86400000 AS INTEGER) FROM series_state"
        " WHERE state = 'done' AND since >= ?1 AND since < ?2 LIMIT ?4");
    row.bind(window.from, window.to, int{by_rule}, std::uint64_t{limit});
    while (row.step()) all.push_back({row.text(0), static_cast<double>(row.integer(1)) / 1000});
    return all;
}

std::vector<Statistics::Source> Statistics::sources(std::string_view since) {
    std::vector<Source> all;
    auto row = connection_.statement(
        "SELECT x.sender_aet, x.sender_address, min(x.time), max(x.time) AS last, count(*),"
        " sum(t.instances), sum(t.bytes), group_concat(DISTINCT x.tag_modality)"
        " FROM (SELECT sender_aet, sender_address, time, series_uid, tag_modality"
        " FROM dicom_series INDEXED BY dicom_series_arrivals WHERE time >= ?1 ORDER BY time DESC LIMIT ?2) x"
        " LEFT JOIN series_state t ON t.series_uid = x.series_uid"
        " GROUP BY x.sender_aet, x.sender_address ORDER BY last DESC LIMIT 500");
    row.bind(since, source_series_max);
    while (row.step()) {
        Source source;
        source.calling_ae = row.text(0);
        source.address = row.text(1);
        source.first_seen = row.text(2);
        source.last_seen = row.text(3);
        source.series = static_cast<std::uint64_t>(row.integer(4));
        source.instances = static_cast<std::uint64_t>(row.integer(5));
        source.bytes = static_cast<std::uint64_t>(row.integer(6));
        source.modalities = row.text(7);
        all.push_back(std::move(source));
    }
    for (Source& source : all) read_device(source);
    return all;
}

void Statistics::read_device(Source& source) {
    auto row = connection_.statement(
        "SELECT json_extract(tags, '$.ReceiverAET'), tag_manufacturermodelname, tag_deviceserialnumber, tag_stationname"
        " FROM dicom_series WHERE sender_aet = ?1 AND sender_address = ?2 ORDER BY time DESC LIMIT 1");
    row.bind(source.calling_ae, source.address);
    if (!row.step()) return;
    source.called_ae = row.text(0);
    source.model = row.text(1);
    source.serial = row.text(2);
    source.station = row.text(3);
}

std::vector<Statistics::Arrival> Statistics::arrivals(std::string_view since) {
    std::vector<Arrival> all;
    auto row = connection_.statement(
        "SELECT sender_aet, sender_address, time FROM dicom_series INDEXED BY dicom_series_arrivals"
        " WHERE time >= ?1 ORDER BY time DESC LIMIT ?2");
    row.bind(since, source_series_max);
    while (row.step()) all.push_back({row.text(0), row.text(1), row.text(2)});
    std::ranges::reverse(all);
    return all;
}

std::vector<Statistics::Rejection> Statistics::rejections(std::string_view since, std::size_t limit) {
    std::vector<Rejection> all;
    auto row = connection_.statement(
        "SELECT time, description FROM mercure_events WHERE time >= ?1 AND sender = 'receiver.main'"
        " AND description LIKE 'Association from %' ORDER BY time DESC LIMIT ?2");
    row.bind(since, std::uint64_t{limit});
    while (row.step()) all.push_back(read_rejection(row.text(0), row.text(1)));
    return all;
}

std::map<std::string, Statistics::ModuleRuns> Statistics::module_runs(std::string_view since) {
    struct Runs {
        ModuleRuns shown;
        std::vector<double> seconds;
    };
    std::map<std::string, Runs> modules;
    std::map<std::pair<std::string, std::string>, std::string> begun;  // task and module → when
    auto row = connection_.statement(
        "SELECT task_id, target, event, time FROM task_events INDEXED BY task_events_time WHERE time >= ?1"
        " AND event IN ('PROCESS_MODULE_BEGIN', 'PROCESS_MODULE_COMPLETE', 'ERROR') AND sender = 'processor.main'"
        " AND target <> '' ORDER BY time, id LIMIT ?2");
    row.bind(since, rows_max);
    while (row.step()) {
        const std::pair key(row.text(0), row.text(1));
        const std::string event = row.text(2);
        const std::string time = row.text(3);
        if (event == "PROCESS_MODULE_BEGIN") {
            Runs& runs = modules[key.second];
            ++runs.shown.runs;
            runs.shown.last_run_at = time;
            begun[key] = time;
            continue;
        }
        const auto begin = begun.find(key);
        if (begin == begun.end()) continue;  // it began before the time that counts, or did not begin at all
        Runs& runs = modules[key.second];
        const auto from = parse_rfc3339(begin->second);
        const auto to = parse_rfc3339(time);
        begun.erase(begin);
        if (event == "ERROR") ++runs.shown.failures;
        if (event != "ERROR" && from && to) runs.seconds.push_back(std::chrono::duration<double>(*to - *from).count());
    }
    std::map<std::string, ModuleRuns> all;
    for (auto& [module, runs] : modules) {
        if (!runs.seconds.empty()) {
            const auto middle = runs.seconds.begin() + static_cast<std::ptrdiff_t>(runs.seconds.size() / 2);
            std::nth_element(runs.seconds.begin(), middle, runs.seconds.end());
            runs.shown.median_s = *middle;
        }
        all[module] = std::move(runs.shown);
    }
    return all;
}

std::map<std::string, Statistics::RuleMatches> Statistics::rule_matches(const std::vector<std::string>& rules,
                                                                        std::string_view since) {
    std::map<std::string, RuleMatches> all;
    for (const std::string& rule : rules) all[rule];
    std::size_t unseen = all.size();
    auto row = connection_.statement("SELECT first_seen, rules FROM series_state ORDER BY first_seen DESC LIMIT ?1");
    row.bind(matched_series_max);
    while (row.step()) {
        const std::string time = row.text(0);
        if (time < since && unseen == 0) break;
        const std::string names = row.text(1);
        std::string_view rest = names;
        while (!rest.empty()) {
            const std::string_view name = rest.substr(0, rest.find(", "));
            rest.remove_prefix(std::min(rest.size(), name.size() + 2));
            const auto rule = all.find(std::string(name));
            if (rule == all.end()) continue;
            if (time >= since) ++rule->second.matches;
            if (!rule->second.last_match_at.empty()) continue;
            rule->second.last_match_at = time;
            --unseen;
        }
    }
    return all;
}

std::map<std::string, std::uint64_t> Statistics::failures(std::string_view since) {
    std::map<std::string, std::uint64_t> all = {{"receive", 0}, {"route", 0}, {"process", 0}, {"dispatch", 0}};
    auto row = connection_.statement(
        "SELECT coalesce((SELECT json_extract(k.data, '$.info.fail_stage') FROM tasks k WHERE k.id = t.task_id),"
        " (SELECT json_extract(k.data, '$.info.fail_stage') FROM tasks k WHERE k.series_uid = t.series_uid"
        " AND json_extract(k.data, '$.info.fail_stage') IS NOT NULL LIMIT 1)) FROM series_state t"
        " WHERE state = 'failed' AND since >= ?1 LIMIT ?2");
    row.bind(since, rows_max);
    while (row.step()) {
        const std::string stage = row.text(0);
        ++all[stage == "PROCESSING" ? "process" : stage == "DISPATCHING" ? "dispatch" : "route"];
    }
    all["receive"] = rejections(since, static_cast<std::size_t>(rows_max)).size();
    return all;
}

std::vector<Statistics::Ended> Statistics::ended(std::string_view since, std::size_t limit) {
    std::vector<Ended> all;
    auto row = connection_.statement(
        "SELECT series_uid, since FROM series_state WHERE state IN ('done', 'discarded') AND since >= ?1"
        " ORDER BY since LIMIT ?2");
    row.bind(since, std::uint64_t{limit});
    while (row.step()) all.push_back({row.text(0), row.text(1)});
    return all;
}

}  // namespace quicksilver
