#include "quicksilver/http/problem.hpp"
#include "quicksilver/store/history.hpp"
#include "quicksilver/store/statistics.hpp"

#include "config_editing.hpp"

#include <algorithm>
#include <chrono>
#include <set>

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

HttpResponse set_order(const Api& api, Call& call) {
    ConfigHistory history = history_of(api);
    history.read_file(call.now);
    Ordered document = history.document();
    if (!document.contains("rules")) document["rules"] = Ordered::object();
    std::set<std::string> present;
    Json names = Json::array();
    for (const auto& [name, rule] : document["rules"].items()) {
        present.insert(name);
        names.push_back(name);
    }
    require_config_match(call, history, {"rules", ""}, {{"names", names}});
    const auto wanted = call.body["names"].get<std::vector<std::string>>();
    if (wanted.size() != present.size() || std::set<std::string>(wanted.begin(), wanted.end()) != present) {
        throw invalid("Something is wrong with the body.", {{"/names", "names", "must name every rule once"}});
    }
    Ordered ordered = Ordered::object();
    for (const std::string& name : wanted) ordered[name] = document["rules"][name];
    document["rules"] = std::move(ordered);
    const ConfigChange change = save_config(api, call, history, document, "rules");
    if (call.is_dry_run()) return trial_answer(change, "rules");
    HttpResponse response = make_json({{"names", wanted}});
    response.headers.emplace_back("ETag", config_etag(history, {"rules", ""}));
    return response;
}

asio::awaitable<Json> statistics_of(const Api& api, const Call& call, std::vector<std::string> names) {
    const std::string since = rfc3339(call.now - std::chrono::hours(24));
    auto question = [names, since](History& history) {
        Json all = Json::object();
        for (const auto& [rule, matches] : Statistics(history.connection()).rule_matches(names, since)) {
            const Json last = matches.last_match_at.empty() ? Json() : Json(matches.last_match_at);
            all[rule]["statistics"] = {{"matches_24h", matches.matches}, {"last_match_at", last}};
        }
        return all;
    };
    Json all = co_await ask_if_possible(api, question);
    if (all.is_object()) co_return all;
    Json unknown = Json::object();
    for (const std::string& name : names) unknown[name]["statistics"] = nullptr;
    co_return unknown;
}

}  // namespace

void add_rule_operations(Api& api) {
    Json statistics = schema::optional(schema::object(
        {{"matches_24h", schema::integer(0, INT64_MAX)}, {"last_match_at", schema::optional(schema::time())}}));
    statistics["readOnly"] = true;
    api.define("Rule", {{"type", "object"},
                        {"properties", {{"statistics", std::move(statistics)}}},
                        {"x-settings", fields_schema(rule_fields())}});
    // Before the others, whose path has a name where this one has a word.
    const Json names = schema::object({{"names", schema::list_of(schema::required_text(200))}});
    api.administer(changing_config({.method = "PUT",
                                    .path = "/rules/order",
                                    .id = "orderRules",
                                    .summary = "Puts the rules into another order",
                                    .tag = "rules",
                                    .body = names,
                                    .answer = {{"anyOf", Json::array({names, trial_schema()})}},
                                    .conditional = true}),
                   [&api](Call& call) { return set_order(api, call); });
    // Nothing of the file refers to a rule by its name.
    add_config_object_operations(api, rule_kind(), nullptr, nullptr, statistics_of);
}

}  // namespace quicksilver::api
