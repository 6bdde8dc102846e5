#include "sources.hpp"

#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/http/problem.hpp"
#include "quicksilver/store/source_notes.hpp"
#include "quicksilver/store/statistics.hpp"

#include "config_editing.hpp"
#include "source_rhythm.hpp"

#include <algorithm>
#include <fnmatch.h>
#include <map>

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

constexpr auto looked_back = std::chrono::hours(24 * 30);
constexpr std::size_t rejections_max = 500;
constexpr auto mute_max = std::chrono::hours(24 * 366);
constexpr double gap_max_s = 366.0 * 86'400;

/// What the history knows of one source.
struct Seen {
    Statistics::Source source;
    std::vector<WallTime> series;  ///< when they came, the oldest first
    std::vector<Statistics::Rejection> rejections;
};

std::string id_of(const std::string& calling_ae, const std::string& address) {
    return calling_ae + "@" + address;
}

/// All sources by id, also those of which nothing was accepted yet. On a reader's thread.
std::map<std::string, Seen> look_up(const Api& api, WallTime now, std::vector<Statistics::Rejection>& rejections) {
    const std::string since = rfc3339(now - looked_back);
    std::map<std::string, Seen> all;
    api.services().history.ask([&](History& history) {
        Statistics statistics(history.connection());
        for (Statistics::Source& source : statistics.sources(since)) {
            std::string id = id_of(source.calling_ae, source.address);
            all[std::move(id)].source = std::move(source);
        }
        for (const Statistics::Arrival& arrival : statistics.arrivals(since)) {
            const auto known = all.find(id_of(arrival.calling_ae, arrival.address));
            const auto time = parse_rfc3339(arrival.time);
            if (known != all.end() && time) known->second.series.push_back(*time);
        }
        rejections = statistics.rejections(since, rejections_max);
        return 0;
    });
    for (const Statistics::Rejection& rejection : rejections) {
        if (rejection.address.empty()) continue;
        Seen& seen = all[id_of(rejection.calling_ae, rejection.address)];
        if (seen.source.address.empty()) {
            seen.source.calling_ae = rejection.calling_ae;
            seen.source.address = rejection.address;
            seen.source.called_ae = rejection.called_ae;
        }
        seen.rejections.push_back(rejection);
    }
    return all;
}

Json to_json(const Statistics::Rejection& rejection) {
    const bool is_known = !rejection.address.empty();
    return {{"time", rejection.time},
            {"source", is_known ? Json(id_of(rejection.calling_ae, rejection.address)) : Json()},
            {"called_ae", rejection.called_ae},
            {"reason", is_known ? rejection.reason : rejection.description}};
}

Json text_or_null(const std::string& text) {
    return text.empty() ? Json() : Json(text);
}

Json number_or_null(const std::optional<double>& number) {
    return number ? Json(*number) : Json();
}

Json to_json(const std::string& id, const Seen& seen, const SourceNote& note, WallTime now) {
    const Statistics::Source& source = seen.source;
    const SourceRhythm rhythm = rhythm_of(seen.series, now, note.expected_gap_s);
    const bool has_sent = !seen.series.empty();
    Json rejected = {{"count", seen.rejections.size()}, {"last", nullptr}};
    if (!seen.rejections.empty()) rejected["last"] = to_json(seen.rejections.front());
    return {{"id", id},
            {"name", note.name},
            {"comment", note.comment},
            {"calling_ae", source.calling_ae},
            {"called_ae", source.called_ae},
            {"address", source.address},
            {"model", source.model},
            {"serial", source.serial},
            {"station", source.station},
            {"modalities", source.modalities},
            {"first_seen", text_or_null(source.first_seen)},
            {"last_seen", text_or_null(source.last_seen)},
            {"series", source.series},
            {"instances", source.instances},
            {"bytes", source.bytes},
            {"last_day", rhythm.last_day},
            {"usual_gap_s", number_or_null(rhythm.usual_gap_s)},
            {"expected_gap_s", number_or_null(note.expected_gap_s)},
            {"silent_s", has_sent ? Json(rhythm.silent_s) : Json()},
            {"overdue", rhythm.overdue},
            {"muted", note.is_muted(now)},
            {"muted_until", note.is_muted(now) && note.muted_until ? Json(rfc3339(*note.muted_until)) : Json()},
            {"rejected", std::move(rejected)}};
}

Json rejection_schema() {
    return schema::object({{"time", schema::time()},
                           {"source", schema::optional(schema::text(10'000))},
                           {"called_ae", schema::text(10'000)},
                           {"reason", schema::text(100'000)}});
}

Json source_schema() {
    const Json optional_number = schema::optional(schema::number());
    const Json count = schema::integer(0, INT64_MAX);
    const Json text = schema::text(10'000);
    return schema::object(
        {{"id", text},
         {"name", text},
         {"comment", text},
         {"calling_ae", text},
         {"called_ae", text},
         {"address", text},
         {"model", text},
         {"serial", text},
         {"station", text},
         {"modalities", text},
         {"first_seen", schema::optional(schema::time())},
         {"last_seen", schema::optional(schema::time())},
         {"series", count},
         {"instances", count},
         {"bytes", count},
         {"last_day", schema::list_of(count)},
         {"usual_gap_s", optional_number},
         {"expected_gap_s", optional_number},
         {"silent_s", optional_number},
         {"overdue", schema::boolean()},
         {"muted", schema::boolean()},
         {"muted_until", schema::optional(schema::time())},
         {"rejected", schema::object({{"count", count}, {"last", schema::optional(rejection_schema())}})}});
}

asio::awaitable<HttpResponse> list_sources(const Api& api, const Call& call) {
    const ApiServices& services = api.services();
    auto read_notes = [&services] { return SourceNotes(services.administration).all(); };
    const auto notes = co_await run_blocking(services.administration_pool, read_notes);
    std::vector<Statistics::Rejection> rejections;
    auto look = [&] { return look_up(api, call.now, rejections); };
    auto all = co_await run_blocking(services.readers_pool, look);
    // One that is silent for long is still known by what people have said of it.
    for (const auto& [id, note] : notes) {
        const std::size_t at = id.rfind('@');
        if (note.name.empty() || all.contains(id)) continue;
        all[id].source.calling_ae = id.substr(0, at);
        all[id].source.address = id.substr(std::min(at, id.size() - 1) + 1);
    }
    std::vector<Json> items;
    for (const auto& [id, seen] : all) {
        const auto note = notes.find(id);
        items.push_back(to_json(id, seen, note == notes.end() ? SourceNote() : note->second, call.now));
    }
    const auto last_of = [](const Json& item) {
        return item["last_seen"].is_null() ? std::string() : item["last_seen"].get<std::string>();
    };
    std::ranges::stable_sort(items, [&](const Json& a, const Json& b) { return last_of(a) > last_of(b); });
    Json rejected = Json::array();
    for (const Statistics::Rejection& one : rejections) rejected.push_back(to_json(one));
    co_return make_json({{"items", std::move(items)}, {"rejected", std::move(rejected)}});
}

/// Throws ProblemError 404. On a reader's thread.
Seen existing(const Api& api, const std::string& id, WallTime now) {
    std::vector<Statistics::Rejection> rejections;
    auto all = look_up(api, now, rejections);
    const auto found = all.find(id);
    if (found == all.end()) throw not_found("Nobody of that name has sent anything in the last 30 days.");
    return std::move(found->second);
}

asio::awaitable<HttpResponse> show(const Api& api, const Call& call) {
    const ApiServices& services = api.services();
    const std::string id = call.parameter("id");
    auto look = [&] { return existing(api, id, call.now); };
    const Seen seen = co_await run_blocking(services.readers_pool, look);
    auto read = [&] { return SourceNotes(services.administration).find(id); };
    const SourceNote note = co_await run_blocking(services.administration_pool, read);
    Json content = to_json(id, seen, note, call.now);
    Json rejections = Json::array();
    for (const Statistics::Rejection& one : seen.rejections) rejections.push_back(to_json(one));
    content["rejections"] = std::move(rejections);
    co_return make_json(content);
}

/// Changes what people say of a source, which must be one.
asio::awaitable<HttpResponse> change_note(const Api& api, const Call& call, std::function<void(SourceNote&)> change) {
    const ApiServices& services = api.services();
    const std::string id = call.parameter("id");
    auto look = [&] { return existing(api, id, call.now); };
    co_await run_blocking(services.readers_pool, look);
    auto write = [&] {
        SourceNotes notes(services.administration);
        SourceNote note = notes.find(id);
        change(note);
        notes.save(id, note);
        return 0;
    };
    co_await run_blocking(services.administration_pool, write);
    co_return co_await show(api, call);
}

asio::awaitable<HttpResponse> patch(const Api& api, const Call& call) {
    const Json& body = call.body;
    std::function<void(SourceNote&)> change = [&body](SourceNote& note) {
        const auto text = [&body](const char* name, std::string& value) {
            if (body.contains(name)) value = body[name].is_null() ? std::string() : body[name].get<std::string>();
        };
        text("name", note.name);
        text("comment", note.comment);
        if (!body.contains("expected_gap_s")) return;
        const Json& gap = body["expected_gap_s"];
        note.expected_gap_s = gap.is_null() ? std::optional<double>() : gap.get<double>();
    };
    return change_note(api, call, std::move(change));
}

asio::awaitable<HttpResponse> mute(const Api& api, const Call& call) {
    const Json until = call.body.value("until", Json());
    const bool for_ever = call.body.value("for_ever", false);
    std::optional<WallTime> time;
    if (!until.is_null()) time = parse_rfc3339(until.get_ref<const std::string&>());
    const bool in_range = time && *time > call.now && *time <= call.now + mute_max;
    if ((!until.is_null() && !in_range) || (for_ever && time)) {
        throw invalid("Something is wrong with the body.",
                      {{"/until", "range", "must be a time of the next year, or null; or for_ever alone"}});
    }
    std::function<void(SourceNote&)> change = [time, for_ever](SourceNote& note) {
        note.muted_until = time;
        note.muted_for_ever = for_ever;
    };
    return change_note(api, call, std::move(change));
}

/// A pattern that fits this name alone: a peer may call itself `*`.
std::string exactly(const std::string& name) {
    std::string pattern;
    for (const char c : name) {
        if (c == '*' || c == '?' || c == '[' || c == '\\') pattern += '\\';
        pattern += c;
    }
    return pattern;
}

bool is_accepted(const std::vector<AcceptPattern>& patterns, const Statistics::Source& source) {
    const auto fits = [](const std::string& pattern, const std::string& value) {
        return pattern.empty() || ::fnmatch(pattern.c_str(), value.c_str(), 0) == 0;
    };
    return std::ranges::any_of(patterns, [&](const AcceptPattern& pattern) {
        return fits(pattern.calling_ae, source.calling_ae) && fits(pattern.address, source.address) &&
               fits(pattern.called_ae, source.called_ae);
    });
}

/// Adds a pattern for the source to `dicom.accept`. On the administration's thread.
HttpResponse accept(const Api& api, Call& call) {
    const Seen seen = existing(api, call.parameter("id"), call.now);
    ConfigHistory history = history_of(api);
    history.read_file(call.now);
    const auto& patterns = api.services().config.snapshot()->dicom.accept;
    if (patterns.empty()) {
        throw conflict("accepts_everyone",
                       "Everyone is accepted, because dicom.accept is empty; with this one source in "
                       "it all others would be refused. Add those that may send to it first.");
    }
    if (is_accepted(patterns, seen.source)) throw conflict("accepted", "This source is accepted already.");
    Ordered document = history.document();
    Ordered pattern = {{"calling_ae", exactly(seen.source.calling_ae)}, {"address", exactly(seen.source.address)}};
    document["dicom"]["accept"].push_back(pattern);
    const ConfigChange change = save_config(api, call, history, document, "");
    if (call.is_dry_run()) return trial_answer(change, "");
    return make_json({{"accepted", Json(pattern)}, {"revision", change.revision}});
}

/// On a reader's thread.
Json brief(const Api& api, const std::map<std::string, SourceNote>& notes, WallTime now) {
    std::vector<Statistics::Rejection> rejections;
    std::vector<Json> items;
    for (const auto& [id, seen] : look_up(api, now, rejections)) {
        if (seen.series.empty()) continue;
        const auto known = notes.find(id);
        const SourceNote note = known == notes.end() ? SourceNote() : known->second;
        const bool overdue = !note.is_muted(now) && rhythm_of(seen.series, now, note.expected_gap_s).overdue;
        items.push_back(
            {{"id", id}, {"name", note.name}, {"last_seen", rfc3339(seen.series.back())}, {"overdue", overdue}});
    }
    std::ranges::stable_sort(items, [](const Json& a, const Json& b) { return a["last_seen"] > b["last_seen"]; });
    return items;
}

}  // namespace

asio::awaitable<Json> KnownSources::look(const Call& call) {
    constexpr auto interval = std::chrono::minutes(1);
    if (looked_ && call.steady_now < *looked_ + interval) co_return sources_;
    looked_ = call.steady_now;
    const ApiServices& services = api_.services();
    auto read = [&services] { return SourceNotes(services.administration).all(); };
    const auto notes = co_await run_blocking(services.administration_pool, read);
    auto ask = [&]() -> Json {
        try {
            return brief(api_, notes, call.now);
        } catch (const database::DatabaseError&) {
            return Json::array();
        }
    };
    sources_ = co_await run_blocking(services.readers_pool, ask);
    co_return sources_;
}

void add_source_operations(Api& api) {
    const std::string tag = "sources";
    Json detail = source_schema();
    detail["properties"]["rejections"] = schema::list_of(rejection_schema());
    detail["required"].push_back("rejections");
    Json gap = schema::number();
    gap["minimum"] = 60;
    gap["maximum"] = gap_max_s;
    api.wait({.method = "GET",
              .path = "/sources",
              .id = "listSources",
              .summary = "Who has sent series in the last 30 days, how they usually do, and whom we have rejected",
              .tag = tag,
              .answer = schema::object(
                  {{"items", schema::list_of(source_schema())}, {"rejected", schema::list_of(rejection_schema())}})},
             [&api](Call& call) { return list_sources(api, call); });
    api.wait({.method = "GET",
              .path = "/sources/{id}",
              .id = "getSource",
              .summary = "One source with its rejected associations",
              .tag = tag,
              .answer = detail},
             [&api](Call& call) { return show(api, call); });
    api.wait({.method = "PATCH",
              .path = "/sources/{id}",
              .id = "patchSource",
              .summary = "Names it, comments on it, or says how long it may be silent; null: what is learned counts",
              .tag = tag,
              .access = Access::operate,
              .scope = "operate",
              .body = schema::object({{"name?", schema::optional(schema::text(100))},
                                      {"comment?", schema::optional(schema::text(1000))},
                                      {"expected_gap_s?", schema::optional(gap)}}),
              .answer = detail},
             [&api](Call& call) { return patch(api, call); });
    api.wait(
        {.method = "POST",
         .path = "/sources/{id}/actions/mute",
         .id = "muteSource",
         .summary = "Nobody needs to be told that it is silent, until then or for ever; null: again",
         .tag = tag,
         .access = Access::operate,
         .scope = "operate",
         .body = schema::object({{"until?", schema::optional(schema::text(40))}, {"for_ever?", schema::boolean()}}),
         .answer = detail},
        [&api](Call& call) { return mute(api, call); });
    api.administer(changing_config(
                       {.method = "POST",
                        .path = "/sources/{id}/actions/accept",
                        .id = "acceptSource",
                        .summary = "Adds it to dicom.accept, so that it is not rejected any more",
                        .tag = tag,
                        .answer = {{"anyOf", Json::array({schema::object({{"accepted", schema::any_object()},
                                                                          {"revision", schema::integer(1, INT64_MAX)}}),
                                                          trial_schema()})}}}),
                   [&api](Call& call) { return accept(api, call); });
}

}  // namespace quicksilver::api
