#include "quicksilver/http/module_control.hpp"
#include "quicksilver/http/problem.hpp"
#include "quicksilver/store/history.hpp"
#include "quicksilver/store/statistics.hpp"

#include "config_editing.hpp"
#include "module_runtimes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

bool names(const Ordered& rule, const std::string& module) {
    const auto value = rule.find("processing_module");
    if (value == rule.end()) return false;
    if (value->is_string()) return *value == module;
    return value->is_array() && std::ranges::find(*value, Ordered(module)) != value->end();
}

void check_removal(const Ordered& document, const std::string& name) {
    std::vector<std::string> users;
    const Ordered rules = document.value("rules", Ordered::object());
    for (const auto& [rule, value] : rules.items()) {
        if (names(value, name)) users.push_back("rule " + rule);
    }
    if (users.empty()) return;
    throw ProblemError(409, "in_use", fmt::format("The module {} is used by {}.", name, fmt::join(users, ", ")))
        .with("used_by", users);
}

void rename(Ordered& document, const std::string& from, const std::string& to) {
    Ordered& module = document["modules"][to];
    // What it keeps between its runs lies in a folder of its name.
    const bool keeps = module.is_object() && module.value("requires_persistence", Ordered(false)) == true;
    if (keeps && module.value("persistence_folder_name", Ordered("")) == "") module["persistence_folder_name"] = from;
    if (!document.contains("rules")) return;
    for (Ordered& rule : document["rules"]) {
        if (!names(rule, from)) continue;
        Ordered& value = rule["processing_module"];
        if (value.is_string()) value = to;
        if (!value.is_array()) continue;
        for (Ordered& item : value) {
            if (item == from) item = to;
        }
    }
}

Json runs_json(const Statistics::ModuleRuns& runs) {
    return {{"runs_24h", runs.runs},
            {"failures_24h", runs.failures},
            {"median_s", runs.median_s ? Json(*runs.median_s) : Json()},
            {"last_run_at", runs.last_run_at.empty() ? Json() : Json(runs.last_run_at)}};
}

/// Whether the engine has the image, and how the runs of the last day went. Null is what is not known: of steps without
/// a container, and of all while the engine is away.
asio::awaitable<Json> known_of(const Api& api, const Call& call, std::vector<std::string> names) {
    const std::string since = rfc3339(call.now - std::chrono::hours(24));
    auto question = [since](History& history) {
        Json all = Json::object();
        for (const auto& [module, runs] : Statistics(history.connection()).module_runs(since)) {
            all[module] = runs_json(runs);
        }
        return all;
    };
    const Json runs = co_await ask_if_possible(api, question);
    const Result<EngineImages> images = co_await api.services().modules.images(true);
    Json all = Json::object();
    for (const std::string& name : names) {
        Json& known = all[name];
        known = {{"present", nullptr}, {"digest", nullptr}, {"statistics", nullptr}};
        if (runs.is_object()) known["statistics"] = runs.contains(name) ? runs.at(name) : runs_json({});
        if (!images || !images->modules.contains(name)) continue;
        const ModuleImageState& image = images->modules.at(name);
        known["present"] = image.present;
        if (!image.digest.empty()) known["digest"] = image.digest;
    }
    co_return all;
}

Json known_schema() {
    const Json count = schema::integer(0, INT64_MAX);
    Json known = {
        {"present", schema::optional(schema::boolean())},
        {"digest", schema::optional(schema::text())},
        {"statistics", schema::optional(schema::object({{"runs_24h", count},
                                                        {"failures_24h", count},
                                                        {"median_s", schema::optional(schema::number())},
                                                        {"last_run_at", schema::optional(schema::time())}}))}};
    for (Json& member : known) member["readOnly"] = true;
    return known;
}

}  // namespace

void add_module_operations(Api& api) {
    api.define("Module",
               {{"type", "object"}, {"properties", known_schema()}, {"x-settings", fields_schema(module_fields())}});
    const Json runtime = schema::object({{"runtime", schema::text()},
                                         {"title", schema::text()},
                                         {"needs_engine", schema::boolean()},
                                         {"schema", schema::any_object()},
                                         {"settings_schema", schema::any_object()}});
    api.read({.method = "GET",
              .path = "/module-runtimes",
              .id = "listModuleRuntimes",
              .summary = "What can run modules, with the settings of such modules",
              .tag = "modules",
              .answer = schema::object({{"items", schema::list_of(runtime)}})},
             [](Call&) {
                 return make_json({{"items", module_runtimes()}});
             });
    add_config_object_operations(api, module_kind(), check_removal, rename, known_of);
}

}  // namespace quicksilver::api
