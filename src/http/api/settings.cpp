#include "quicksilver/http/problem.hpp"

#include "config_editing.hpp"

#include <algorithm>
#include <array>

namespace quicksilver::api {

namespace {

constexpr std::array<std::string_view, 3> objects = {"rules", "targets", "modules"};

bool is_object_list(const std::string& key) {
    return std::ranges::find(objects, key) != objects.end();
}

/// The file without rules, targets and modules.
Ordered settings_in(const Ordered& document) {
    Ordered settings = Ordered::object();
    for (const auto& [key, value] : document.items()) {
        if (!is_object_list(key)) settings[key] = value;
    }
    return settings;
}

HttpResponse show(const Call& call, ConfigHistory& history) {
    const Ordered document = history.document();
    Json settings(settings_in(shown_config(document)));
    SecretDates(history).add_to(settings, settings_in(document), "");
    return with_etag(call, make_json(settings), config_etag(history, {"settings", ""}));
}

/// A key with dots is an object in the file: `http.port`.
std::vector<std::string_view> first_keys() {
    std::vector<std::string_view> keys;
    for (const ConfigField& field : setting_fields()) keys.push_back(field.key.substr(0, field.key.find('.')));
    return keys;
}

void check_keys(const Json& sent, const Ordered& before) {
    std::vector<FieldError> faults;
    const auto keys = first_keys();
    for (const auto& [key, value] : sent.items()) {
        if (is_object_list(key)) {
            faults.push_back({"/" + key, "elsewhere", "has operations of its own"});
        } else if (std::ranges::find(keys, key) == keys.end() && !before.contains(key)) {
            faults.push_back({"/" + key, "unknown", "there is no such setting"});
        }
    }
    if (!faults.empty()) throw invalid("Something is wrong with the body.", std::move(faults));
}

HttpResponse change(const Api& api, Call& call, bool merge) {
    ConfigHistory history = history_of(api);
    history.read_file(call.now);
    const Ordered before = settings_in(history.document());
    const Ordered before_shown = settings_in(shown_config(history.document()));
    require_config_match(call, history, {"settings", ""}, Json(before_shown));
    Json body = call.body;
    body.erase("message");
    check_keys(body, before);
    const Json sent = merge ? with_patch(Json(before_shown), body) : body;
    Ordered document = with_secrets(sent, before, before_shown);
    if (auto masks = masks_in(document, before); !masks.empty()) {
        throw invalid("A secret is missing.", std::move(masks));
    }
    const Ordered whole = history.document();
    for (const std::string_view key : objects) {
        if (whole.contains(std::string(key))) document[std::string(key)] = whole[std::string(key)];
    }
    const ConfigChange made = save_config(api, call, history, document, "");
    if (call.is_dry_run()) return trial_answer(made, "");
    HttpResponse response = make_json(Json(settings_in(shown_config(history.document()))));
    response.headers.emplace_back("ETag", config_etag(history, {"settings", ""}));
    return response;
}

}  // namespace

void add_settings_operations(Api& api) {
    const std::string tag = "settings";
    const Json answer = {{"anyOf", Json::array({schema::any_object(), trial_schema()})}};
    api.administer({.method = "GET",
                    .path = "/settings",
                    .id = "getSettings",
                    .summary = "The settings that the file has, without rules, targets and modules",
                    .tag = tag,
                    .answer = schema::any_object(),
                    .also = {304}},
                   [&api](Call& call) {
                       ConfigHistory history = history_of(api);
                       return show(call, history);
                   });
    api.read({.method = "GET",
              .path = "/settings/schema",
              .id = "getSettingsSchema",
              .summary = "Every setting with group, unit, default, and whether it needs a restart",
              .tag = tag,
              .answer = schema::any_object()},
             [](Call&) { return make_json(fields_schema(setting_fields())); });
    api.administer(changing_config({.method = "PUT",
                                    .path = "/settings",
                                    .id = "putSettings",
                                    .summary = "Replaces the settings",
                                    .tag = tag,
                                    .body = schema::any_object(),
                                    .answer = answer,
                                    .conditional = true}),
                   [&api](Call& call) { return change(api, call, false); });
    api.administer(changing_config({.method = "PATCH",
                                    .path = "/settings",
                                    .id = "patchSettings",
                                    .summary = "Changes settings, as a merge patch",
                                    .tag = tag,
                                    .body = schema::any_object(),
                                    .answer = answer,
                                    .conditional = true}),
                   [&api](Call& call) { return change(api, call, true); });
}

}  // namespace quicksilver::api
