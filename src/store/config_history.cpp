#include "quicksilver/store/config_history.hpp"

#include "quicksilver/core/config_report.hpp"
#include "quicksilver/core/json_diff.hpp"

#include <algorithm>
#include <set>

namespace quicksilver {

using nlohmann::json;
using Ordered = nlohmann::ordered_json;

namespace {

std::vector<std::string> keys_of(const Ordered& document, const char* member) {
    std::vector<std::string> keys;
    const auto found = document.find(member);
    if (found == document.end() || !found->is_object()) return keys;
    for (const auto& [key, value] : found->items()) keys.push_back(key);
    return keys;
}

/// `/targets/pacs/port` → `targets`, `pacs`, `port`
std::vector<std::string> segments_of(const std::string& pointer) {
    std::vector<std::string> segments;
    for (json::json_pointer rest(pointer); !rest.empty(); rest.pop_back()) segments.push_back(rest.back());
    std::ranges::reverse(segments);
    return segments;
}

/// The masked value at the place of an unmasked one; masking keeps the shape.
json masked_at(const json& masked, const std::string& pointer, const json& unmasked) {
    const json::json_pointer place(pointer);
    return masked.contains(place) ? masked.at(place) : unmasked;
}

}  // namespace

json config_diff(const Ordered& before, const Ordered& after) {
    const json masked_before(masked_config(before));
    const json masked_after(masked_config(after));
    json changes = json_diff(json(before), json(after));
    for (json& change : changes) {
        const std::string path = change["path"];
        if (change.contains("from")) change["from"] = masked_at(masked_before, path, change["from"]);
        if (change.contains("to")) change["to"] = masked_at(masked_after, path, change["to"]);
    }
    const auto order_before = keys_of(before, "rules");
    const auto order_after = keys_of(after, "rules");
    if (order_before != order_after) {
        changes.push_back({{"op", "order"}, {"path", "/rules"}, {"from", order_before}, {"to", order_after}});
    }
    return changes;
}

std::vector<ConfigObjectName> changed_objects(const json& changes) {
    static constexpr std::pair<const char*, const char*> kinds[] = {
        {"rules", "rule"}, {"targets", "target"}, {"modules", "module"}};
    std::set<std::pair<std::string, std::string>> found;
    for (const json& change : changes) {
        const auto segments = segments_of(change.at("path").get<std::string>());
        // Made together with the new name itself.
        if (!segments.empty() && segments[0] == "former_names") continue;
        const auto kind = std::ranges::find(kinds, segments.empty() ? std::string() : segments[0],
                                            [](const auto& one) { return std::string(one.first); });
        if (kind == std::end(kinds)) {
            found.emplace("settings", "");
        } else if (segments.size() >= 2) {
            found.emplace(kind->second, segments[1]);
            if (segments.size() == 2) found.emplace(kind->first, "");
        } else {
            found.emplace(kind->first, "");
            // The whole member came or went: each object in it.
            for (const char* side : {"from", "to"}) {
                if (!change.contains(side) || !change[side].is_object()) continue;
                for (const auto& [name, value] : change[side].items()) found.emplace(kind->second, name);
            }
        }
    }
    std::vector<ConfigObjectName> objects;
    for (const auto& [kind, name] : found) objects.push_back({kind, name});
    return objects;
}

void ConfigHistory::read_file(WallTime now) {
    if (config_.changed_on_disk() && !config_.reload().ok) return;
    // Also when it is the same on disk: somebody else may have reloaded it, and what counts is no revision yet.
    note_file(now);
}

std::int64_t ConfigHistory::note_file(WallTime now) {
    const Ordered after = document();
    const std::int64_t last = revisions_.last();
    const std::string text = last > 0 ? revisions_.document(last).value_or("{}") : "{}";
    const Ordered before = Ordered::parse(text, nullptr, false, true);
    const json changes = config_diff(before, after);
    if (last > 0 && changes.empty()) return 0;
    return keep(after, changes, ConfigAuthor{"", RevisionSource::file, ""}, now);
}

ConfigChange ConfigHistory::save(const Ordered& document, const ConfigAuthor& author, bool trial, WallTime now) {
    const bool may_overwrite = author.source == RevisionSource::restore || author.source == RevisionSource::import;
    ConfigChange change;
    const std::int64_t last_seen = revisions_.last();
    read_file(now);
    if (revisions_.last() != last_seen && !may_overwrite) {
        change.problems = {
            {ProblemSeverity::error, "", "somebody has just changed the file by hand; look at it first"}};
        return change;
    }
    const Ordered before = this->document();
    const std::string text = config_text(document);
    change.changes = config_diff(before, document);
    const ConfigReload last = config_.last_reload();
    if (!last.ok && !may_overwrite) {
        change.file_is_refused = true;
        change.problems = last.problems;
        return change;
    }
    const bool changes_nothing = change.changes.empty() && last.ok;
    ConfigReload result = trial || changes_nothing ? config_.check(text) : config_.save(text);
    change.ok = result.ok;
    change.problems = std::move(result.problems);
    change.needs_restart = std::move(result.needs_restart);
    if (change.ok && !trial && !changes_nothing) change.revision = keep(document, change.changes, author, now);
    return change;
}

std::int64_t ConfigHistory::keep(const Ordered& after, const json& changes, const ConfigAuthor& author, WallTime now) {
    Revision revision;
    revision.author = author.name;
    revision.source = to_string(author.source);
    revision.message = author.message;
    revision.changes = changes;
    return revisions_.add(revision, config_text(after), changed_objects(changes), now);
}

}  // namespace quicksilver
