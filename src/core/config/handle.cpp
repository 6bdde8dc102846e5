#include "quicksilver/core/config_handle.hpp"

#include "fields.hpp"
#include "findings.hpp"

#include <algorithm>
#include <cassert>
namespace quicksilver {

namespace {

using Json = nlohmann::ordered_json;
using Path = std::vector<std::string>;

std::vector<std::string> keys_of(const Json& object) {
    std::vector<std::string> keys;
    for (const auto& [key, member] : object.items()) keys.push_back(key);
    return keys;
}

/// Walks through both as long as both are objects; a difference anywhere else is a change of the setting there.
void compare(const Json& old_value, const Json& new_value, Path& path, std::vector<Path>& changes) {
    if (old_value == new_value) return;
    if (!old_value.is_object() || !new_value.is_object()) {
        changes.push_back(path);
        return;
    }
    const std::size_t changes_before = changes.size();
    const Json nothing;
    for (const auto& [key, member] : old_value.items()) {
        const Json* now = find_member(new_value, key);
        path.push_back(key);
        compare(member, now ? *now : nothing, path, changes);
        path.pop_back();
    }
    for (const auto& [key, member] : new_value.items()) {
        if (find_member(old_value, key)) continue;
        path.push_back(key);
        compare(nothing, member, path, changes);
        path.pop_back();
    }
    // Not equal, but no member differs: the order does, and for rules it counts.
    const bool order_only = changes.size() == changes_before && keys_of(old_value) != keys_of(new_value);
    if (order_only && path == Path{"rules"}) changes.push_back(path);
}

std::vector<Path> changes_between(const Config& old_config, const Config& new_config) {
    std::vector<Path> changes;
    Path path;
    compare(old_config.document, new_config.document, path, changes);
    return changes;
}

/// What listens and where files lie stays as it was started; half of the program with other folders would lose work.
std::shared_ptr<const Config> keep_until_restart(const Config& started, const Config& next) {
    auto config = std::make_shared<Config>(next);
    config->folders = started.folders;
    config->http = started.http;
    config->dicom.address = started.dicom.address;
    config->dicom.port = started.dicom.port;
    config->dicom.max_associations = started.dicom.max_associations;
    config->dicom.max_pdu = started.dicom.max_pdu;
    config->dicom.tls = started.dicom.tls;
    return config;
}

}  // namespace

ConfigHandle::ConfigHandle(ConfigSources sources, LoadedConfig initial, Validator validate)
    : sources_(std::move(sources)),
      validate_(std::move(validate)),
      started_(initial.config),
      current_(std::move(initial)),
      stamp_(current_.stamp) {
    assert(current_.ok());
    last_reload_.ok = true;
}

std::shared_ptr<const Config> ConfigHandle::snapshot() const {
    const std::lock_guard lock(mutex_);
    return current_.config;
}

LoadedConfig ConfigHandle::loaded() const {
    const std::lock_guard lock(mutex_);
    return current_;
}

ConfigReload ConfigHandle::reload() {
    const std::lock_guard one_at_a_time(reloading_);
    LoadedConfig loaded = load_config(sources_);
    if (loaded.ok() && validate_) loaded.add(validate_(*loaded.config));
    return take(std::move(loaded));
}

ConfigReload ConfigHandle::save(std::string_view text) {
    const std::lock_guard one_at_a_time(reloading_);
    LoadedConfig loaded = load_config_text(text, sources_);
    if (loaded.ok() && validate_) loaded.add(validate_(*loaded.config));
    if (loaded.ok() && changed_on_disk()) {
        loaded.add({{ProblemSeverity::error, "", "somebody else has changed the file; reload it first"}});
    }
    if (loaded.ok()) {
        if (const auto written = write_config_file(sources_.file, text); !written) {
            loaded.add({{ProblemSeverity::error, "", written.error().message}});
        }
    }
    if (!loaded.ok()) return {.ok = false, .changed = {}, .needs_restart = {}, .problems = std::move(loaded.problems)};
    loaded.stamp = config_file_stamp(sources_.file);
    return take(std::move(loaded));
}

ConfigReload ConfigHandle::check(std::string_view text) const {
    LoadedConfig loaded = load_config_text(text, sources_);
    if (loaded.ok() && validate_) loaded.add(validate_(*loaded.config));
    return compared(loaded);
}

void ConfigHandle::note_refused_file(std::vector<ConfigProblem> problems) {
    const std::lock_guard lock(mutex_);
    stamp_ = config_file_stamp(sources_.file);
    last_reload_ = {.ok = false, .changed = {}, .needs_restart = {}, .problems = std::move(problems)};
}

/// How it differs from what counts now, and from what was started.
ConfigReload ConfigHandle::compared(const LoadedConfig& loaded) const {
    ConfigReload reload;
    reload.ok = loaded.ok();
    reload.problems = loaded.problems;
    if (!loaded.ok()) return reload;
    for (const Path& path : changes_between(*snapshot(), *loaded.config)) reload.changed.push_back(path_text(path));
    for (const Path& path : changes_between(*started_, *loaded.config)) {
        const ConfigField* field = find_field_of_path(loaded.config->document, path);
        if (field && field->needs_restart) reload.needs_restart.push_back(path_text(path));
    }
    return reload;
}

ConfigReload ConfigHandle::take(LoadedConfig loaded) {
    ConfigReload reload = compared(loaded);
    if (loaded.ok()) loaded.config = keep_until_restart(*started_, *loaded.config);
    const std::lock_guard lock(mutex_);
    stamp_ = loaded.stamp;
    last_reload_ = reload;
    if (loaded.ok()) current_ = std::move(loaded);
    return reload;
}

bool ConfigHandle::changed_on_disk() const {
    const ConfigFileStamp now = config_file_stamp(sources_.file);
    const std::lock_guard lock(mutex_);
    return now != stamp_;
}

ConfigReload ConfigHandle::last_reload() const {
    const std::lock_guard lock(mutex_);
    return last_reload_;
}

}  // namespace quicksilver
