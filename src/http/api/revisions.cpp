#include "quicksilver/core/json_diff.hpp"
#include "quicksilver/http/problem.hpp"
#include "quicksilver/store/audit.hpp"

#include "config_editing.hpp"
#include "cursor.hpp"

#include <fmt/format.h>

#include <charconv>

namespace quicksilver::api {

namespace {

std::int64_t number_in(const std::string& text) {
    std::int64_t number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    return failed == std::errc() && end == text.data() + text.size() ? number : 0;
}

Ordered document_of(ConfigHistory& history, const std::string& number) {
    const auto text = history.revisions().document(number_in(number));
    if (!text) throw not_found(fmt::format("There is no revision {}.", number));
    return Ordered::parse(*text, nullptr, false, true);
}

Json revision_schema() {
    return schema::object({{"number", schema::integer(1, INT64_MAX)},
                           {"time", schema::time()},
                           {"author", schema::text()},
                           {"source", schema::choice({"interface", "file", "import", "restore"})},
                           {"message", schema::text()},
                           {"changes", schema::list_of(schema::any_object())}});
}

Json to_json(const Revision& revision) {
    return {{"number", revision.number}, {"time", revision.time},       {"author", revision.author},
            {"source", revision.source}, {"message", revision.message}, {"changes", revision.changes}};
}

HttpResponse list_revisions(const Api& api, const Call& call) {
    std::int64_t before = INT64_MAX;
    if (const std::string cursor = call.query("cursor"); !cursor.empty()) {
        before = read_cursor(api.key(), "revisions", cursor).get<std::int64_t>();
    }
    auto revisions = history_of(api).revisions().list(before, call.limit() + 1);
    Json next;
    if (revisions.size() > call.limit()) {
        revisions.pop_back();
        next = make_cursor(api.key(), "revisions", revisions.back().number);
    }
    Json items = Json::array();
    for (const Revision& revision : revisions) items.push_back(to_json(revision));
    return make_json({{"items", std::move(items)}, {"next_cursor", std::move(next)}});
}

HttpResponse show_revision(const Api& api, const Call& call) {
    ConfigHistory history = history_of(api);
    const auto revision = history.revisions().find(number_in(call.parameter("n")));
    if (!revision) throw not_found(fmt::format("There is no revision {}.", call.parameter("n")));
    Json content = to_json(*revision);
    content["document"] = Json(shown_config(document_of(history, call.parameter("n"))));
    return make_json(content);
}

HttpResponse show_diff(const Api& api, const Call& call) {
    ConfigHistory history = history_of(api);
    const Ordered from = document_of(history, call.parameter("n"));
    const std::string to = call.query("to");
    const Ordered other = to.empty() ? history.document() : document_of(history, to);
    return make_json({{"changes", config_diff(from, other)}});
}

/// One object as it was then, into the present document; one that did not exist then goes.
void restore_object(Ordered& document, const Ordered& old, const Json& object) {
    const std::string kind = object["type"];
    if (kind == "settings") {
        Ordered restored = Ordered::object();
        for (const auto& [key, value] : old.items()) {
            if (key != "rules" && key != "targets" && key != "modules") restored[key] = value;
        }
        for (const char* key : {"targets", "rules", "modules"}) {
            if (document.contains(key)) restored[key] = document[key];
        }
        document = std::move(restored);
        return;
    }
    const std::string plural = kind + "s";
    const std::string name = object.value("name", "");
    const bool existed = old.contains(plural) && old[plural].contains(name);
    const bool exists = document.contains(plural) && document[plural].contains(name);
    if (!existed && !exists) throw not_found(fmt::format("There is and was no {} {}.", kind, name));
    if (existed) {
        document[plural][name] = old[plural][name];
    } else {
        document[plural].erase(name);
    }
}

HttpResponse restore(const Api& api, Call& call) {
    ConfigHistory history = history_of(api);
    history.read_file(call.now);
    const Ordered old = document_of(history, call.parameter("n"));
    Ordered document = old;
    if (call.body.contains("objects")) {
        document = history.document();
        for (const Json& object : call.body["objects"]) restore_object(document, old, object);
    }
    const ConfigChange change = save_config(api, call, history, document, "", RevisionSource::restore);
    if (call.is_dry_run()) return trial_answer(change, "");
    return make_json({{"revision", change.revision}, {"changes", change.changes}});
}

/// Secrets are only in it when asked for, and that stands in the audit.
HttpResponse export_config(const Api& api, const Call& call) {
    const Ordered document = history_of(api).document();
    if (call.flag("secrets")) {
        AuditEntry entry;
        entry.user = call.user().username;
        entry.address = call.request.address;
        entry.action = "exportSecrets";
        entry.object = "/config/export";
        entry.outcome = "done";
        entry.request_id = call.request.id;
        AuditLog(api.services().administration).add(entry, call.now);
    }
    const Ordered shown = call.flag("secrets") ? document : shown_config(document);
    HttpResponse response;
    response.content_type = "application/json";
    response.body = config_text(shown);
    response.headers.emplace_back("Content-Disposition", "attachment; filename=\"quicksilver.json\"");
    return response;
}

/// What an import does to each object, in words for its report.
Json report_of(const Json& changes, const std::vector<ConfigProblem>& problems) {
    Json report = Json::array();
    for (const auto& [kind, name] : changed_objects(changes)) {
        std::string action = "changed";
        for (const Json& change : changes) {
            if (change.at("path") != "/" + kind + "s/" + name) continue;
            action = change.at("op") == "add" ? "added" : change.at("op") == "remove" ? "removed" : "changed";
        }
        report.push_back(
            {{"object", name.empty() ? kind : kind + " " + name}, {"action", action}, {"problem", nullptr}});
    }
    for (const ConfigProblem& problem : problems) {
        report.push_back({{"object", problem.path},
                          {"action", problem.severity == ProblemSeverity::error ? "refused" : "noted"},
                          {"problem", problem.message}});
    }
    return report;
}

std::vector<FieldError> added_rights_of_modules(const Ordered& document, const Ordered& before) {
    std::vector<FieldError> all;
    const Json modules(document.value("modules", Ordered()));
    const Json modules_before(before.value("modules", Ordered()));
    if (!modules.is_object()) return all;
    for (const auto& [name, module] : modules.items()) {
        const bool is_known = modules_before.is_object() && modules_before.contains(name);
        for (FieldError& added : added_rights(module, is_known ? modules_before[name] : Json())) {
            added.pointer.insert(0, "/modules/" + pointer_segment(name));
            all.push_back(std::move(added));
        }
    }
    return all;
}

/// The whole file, ours or mercure's, which have one format.
HttpResponse import_config(const Api& api, Call& call) {
    ConfigHistory history = history_of(api);
    history.read_file(call.now);
    const Ordered before = history.document();
    Json file = call.body;
    file.erase("message");
    const Ordered document = with_secrets(file, before, shown_config(before));
    if (auto masks = masks_in(document, before); !masks.empty()) {
        throw invalid("Secrets are missing; nothing was changed.", std::move(masks));
    }
    if (auto added = added_rights_of_modules(document, before); !added.empty()) {
        throw invalid("Modules ask for rights that may not be given from afar; nothing was changed.", std::move(added));
    }
    const ConfigAuthor author{call.user().username, RevisionSource::import, call.message()};
    const ConfigChange change = history.save(document, author, call.is_dry_run(), call.now);
    const Json report = report_of(change.changes, change.problems);
    if (!change.ok) {
        throw ProblemError(422, "validation", "The file cannot be used; nothing was changed.",
                           faults_of(change.problems, ProblemSeverity::error, ""))
            .with("report", report);
    }
    if (change.revision > 0) {
        call.revision = change.revision;
        if (api.services().configuration_changed) api.services().configuration_changed(call.user().username, change);
    }
    return make_json({{"revision", change.revision > 0 ? Json(change.revision) : Json()}, {"report", report}});
}

}  // namespace

void add_revision_operations(Api& api) {
    const std::string tag = "config";
    const Json changes = schema::list_of(schema::any_object());
    Json whole = revision_schema();
    whole["properties"]["document"] = schema::any_object();
    whole["required"].push_back("document");
    const Json object = schema::object(
        {{"type", schema::choice({"rule", "target", "module", "settings"})}, {"name?", schema::text(200)}});

    api.administer({.method = "GET",
                    .path = "/config/revisions",
                    .id = "listRevisions",
                    .summary = "Every change of the configuration, newest first",
                    .tag = tag,
                    .access = Access::admin,
                    .scope = "configure",
                    .query = paged(),
                    .answer = schema::object({{"items", schema::list_of(revision_schema())},
                                              {"next_cursor", schema::optional(schema::text())}})},
                   [&api](Call& call) { return list_revisions(api, call); });
    api.administer({.method = "GET",
                    .path = "/config/revisions/{n}",
                    .id = "getRevision",
                    .summary = "The configuration as it was",
                    .tag = tag,
                    .access = Access::admin,
                    .scope = "configure",
                    .answer = whole},
                   [&api](Call& call) { return show_revision(api, call); });
    api.administer({.method = "GET",
                    .path = "/config/revisions/{n}/diff",
                    .id = "getRevisionDiff",
                    .summary = "What changed from then to now, or to another revision",
                    .tag = tag,
                    .access = Access::admin,
                    .scope = "configure",
                    .query = {{"to", schema::integer(1, INT64_MAX), "The later revision; without it, now."}},
                    .answer = schema::object({{"changes", changes}})},
                   [&api](Call& call) { return show_diff(api, call); });
    api.administer(
        changing_config({.method = "POST",
                         .path = "/config/revisions/{n}/actions/restore",
                         .id = "restoreRevision",
                         .summary = "Makes it, or some objects of it, count again, as a new revision",
                         .tag = tag,
                         .body = schema::object({{"objects?", schema::list_of(object)}}),
                         .answer = {{"anyOf", Json::array({schema::object({{"revision", schema::integer(0, INT64_MAX)},
                                                                           {"changes", changes}}),
                                                           trial_schema()})}}}),
        [&api](Call& call) { return restore(api, call); });
    api.administer({.method = "GET",
                    .path = "/config/export",
                    .id = "exportConfig",
                    .summary = "The configuration file, without secrets unless asked for",
                    .tag = tag,
                    .access = Access::admin,
                    .scope = "configure",
                    .query = {{"secrets", schema::boolean(), "With them, as the file has them."}},
                    .answer = schema::any_object()},
                   [&api](Call& call) { return export_config(api, call); });
    const Json line = schema::object({{"object", schema::text()},
                                      {"action", schema::choice({"added", "changed", "removed", "noted", "refused"})},
                                      {"problem", schema::optional(schema::text(10'000))}});
    api.administer(
        changing_config({.method = "POST",
                         .path = "/config/import",
                         .id = "importConfig",
                         .summary = "Replaces the configuration by this file, ours or a mercure.json",
                         .tag = tag,
                         .query = {{"format", schema::choice({"native", "mercure"}), "Both are read in the same way."}},
                         .body = schema::any_object(),
                         .answer = schema::object({{"revision", schema::optional(schema::integer(1, INT64_MAX))},
                                                   {"report", schema::list_of(line)}})}),
        [&api](Call& call) { return import_config(api, call); });
}

}  // namespace quicksilver::api
