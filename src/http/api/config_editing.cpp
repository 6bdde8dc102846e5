#include "config_editing.hpp"

#include "quicksilver/core/json_diff.hpp"
#include "quicksilver/core/module_policy.hpp"
#include "quicksilver/core/percent_encoding.hpp"
#include "quicksilver/http/config_etag.hpp"
#include "quicksilver/http/problem.hpp"

#include <fmt/format.h>

#include <charconv>

namespace quicksilver::api {

namespace {

FieldTable fields_of_rule(const Json&) {
    return rule_fields();
}

FieldTable fields_of_module(const Json&) {
    return module_fields();
}

/// Without a known type every name of a field is taken for one; the loader says what is wrong with the type.
FieldTable fields_of_target(const Json& target) {
    const auto type = target.find("target_type");
    return type != target.end() && type->is_string() ? target_fields(type->get_ref<const std::string&>())
                                                     : FieldTable();
}

/// The revision in `"r12-rule-chest"`, 0 when there is none.
std::int64_t revision_in(std::string_view etag) {
    const std::size_t begin = etag.find("\"r");
    if (begin == std::string_view::npos) return 0;
    std::int64_t number = 0;
    std::from_chars(etag.data() + begin + 2, etag.data() + etag.size(), number);
    return number;
}

/// The part of a file that an object is, in a document of its own, so that masking finds its fields.
Ordered excerpt(const Ordered& document, const ConfigObjectName& object) {
    static constexpr std::string_view lists[] = {"rules", "targets", "modules"};
    Ordered part = Ordered::object();
    if (object.name.empty()) {
        for (const auto& [key, value] : document.items()) {
            const bool listed = std::ranges::find(lists, key) != std::end(lists);
            if (!listed && object.kind == "settings") part[key] = value;
        }
        return part;
    }
    const std::string plural = object.kind + "s";
    if (document.contains(plural) && document[plural].contains(object.name)) {
        part[plural][object.name] = document[plural][object.name];
    }
    return part;
}

Json warnings_of(const ConfigChange& change, const std::string& prefix) {
    Json warnings = Json::array();
    for (const FieldError& one : faults_of(change.problems, ProblemSeverity::warning, prefix)) {
        warnings.push_back({{"pointer", one.pointer}, {"detail", one.detail}});
    }
    return warnings;
}

}  // namespace

const ConfigKind& rule_kind() {
    static const ConfigKind kind{"rule", "rules", fields_of_rule};
    return kind;
}

const ConfigKind& target_kind() {
    static const ConfigKind kind{"target", "targets", fields_of_target};
    return kind;
}

const ConfigKind& module_kind() {
    static const ConfigKind kind{"module", "modules", fields_of_module};
    return kind;
}

ConfigHistory history_of(const Api& api) {
    return ConfigHistory(api.services().config, api.services().administration);
}

std::string config_etag(ConfigHistory& history, const ConfigObjectName& object) {
    return quicksilver::config_etag(history.revisions().revision_of(object), object);
}

void require_config_match(const Call& call, ConfigHistory& history, const ConfigObjectName& object,
                          const Json& current) {
    const std::string etag = config_etag(history, object);
    Json diff;
    const std::int64_t base = revision_in(call.request.header("If-Match"));
    if (const auto text = history.revisions().document(base)) {
        const Ordered before = Ordered::parse(*text, nullptr, false, true);
        diff = config_diff(excerpt(before, object), excerpt(history.document(), object));
    }
    require_match(call, etag, current, diff);
}

void SecretDates::add_to(Json& shown, const Ordered& raw, const std::string& pointer) {
    if (!shown.is_object()) return;
    if (raw.is_string()) {
        if (const auto time = changed_at(pointer)) shown["changed_at"] = *time;
        return;
    }
    for (auto& [key, value] : shown.items()) {
        if (raw.is_object() && raw.contains(key)) add_to(value, raw.at(key), pointer + "/" + pointer_segment(key));
    }
}

std::optional<std::string> SecretDates::changed_at(const std::string& pointer) {
    if (!newest_) newest_ = history_.revisions().list(INT64_MAX, revisions_max);
    for (const Revision& revision : *newest_) {
        for (const Json& change : revision.changes) {
            // It, or something that it is a part of.
            const std::string path = change.at("path").get<std::string>() + "/";
            if (change.at("op") != "order" && (pointer + "/").starts_with(path)) return revision.time;
        }
    }
    return std::nullopt;
}

std::vector<FieldError> added_rights(const Json& module, const Json& before) {
    const ModulePolicy policy = ModulePolicy::from_environment();
    const auto known = policy.unsafe_wishes(before);
    std::vector<FieldError> added;
    for (const std::string& wish : policy.unsafe_wishes(module)) {
        if (std::ranges::find(known, wish) != known.end()) continue;
        const std::string member = wish.substr(0, wish.find('.'));
        const bool is_argument = member == "docker_arguments";
        added.push_back(
            {"/" + member, "unsafe",
             fmt::format("{} may only be added in the configuration file, or when the server runs with "
                         "{}=1",
                         wish, is_argument ? "MERCURE_ALLOW_UNSAFE_DOCKER_ARGS" : "MERCURE_ALLOW_UNSAFE_VOLUMES")});
    }
    return added;
}

ConfigChange save_config(const Api& api, Call& call, ConfigHistory& history, const Ordered& document,
                         const std::string& prefix, RevisionSource source) {
    const ConfigAuthor author{call.user().username, source, call.message()};
    ConfigChange change = history.save(document, author, call.is_dry_run(), call.now);
    if (change.file_is_refused) {
        throw ProblemError(
            409, "file_refused",
            "Somebody has changed the configuration file by hand, and it has errors. Mend it, or restore "
            "a revision.",
            faults_of(change.problems, ProblemSeverity::error, ""));
    }
    if (!change.ok) {
        throw invalid("The configuration would not be usable with this.",
                      faults_of(change.problems, ProblemSeverity::error, prefix));
    }
    if (change.revision > 0) {
        call.revision = change.revision;
        if (api.services().configuration_changed) api.services().configuration_changed(call.user().username, change);
    }
    return change;
}

HttpResponse trial_answer(const ConfigChange& change, const std::string& prefix) {
    return make_json({{"ok", change.ok},
                      {"changes", change.changes},
                      {"warnings", warnings_of(change, prefix)},
                      {"needs_restart", change.needs_restart}});
}

Json trial_schema() {
    Json warning = schema::object({{"pointer", schema::text()}, {"detail", schema::text()}});
    return schema::object({{"ok", schema::boolean()},
                           {"changes", schema::list_of(schema::any_object())},
                           {"warnings", schema::list_of(std::move(warning))},
                           {"needs_restart", schema::list_of(schema::text())}});
}

void check_object_name(const std::string& name) {
    // Words that stand where a name does in a path.
    static constexpr std::string_view words[] = {"order", "validate", "test", "impact", "language", "images"};
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    const bool usable = !name.empty() && name.size() <= 100 && name.front() != ' ' && name.back() != ' ' &&
                        name.front() != '.' && name.find_first_of("/\\#") == std::string::npos &&
                        std::ranges::none_of(name, is_control) && std::ranges::find(words, name) == std::end(words);
    if (usable) return;
    throw invalid("The name cannot be used.",
                  {{"/name", "name", "1 to 100 characters, no / \\ # or control characters, no point in front"}});
}

Operation changing_config(Operation operation) {
    operation.access = Access::admin;
    operation.scope = "configure";
    if (operation.takes_body()) operation.body["properties"]["message"] = schema::text(1000);
    operation.query.insert(operation.query.begin(),
                           {"dry_run", schema::boolean(), "Check and show the changes, without making them."});
    return operation;
}

}  // namespace quicksilver::api

namespace quicksilver {

std::string config_etag(std::int64_t revision, const ConfigObjectName& object) {
    return fmt::format("\"r{}-{}-{}\"", revision, object.kind, percent_encode(object.name));
}

}  // namespace quicksilver
