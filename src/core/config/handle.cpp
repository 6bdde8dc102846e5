#include "quicksilver/core/config_handle.hpp"

#include "fields.hpp"
#include "findings.hpp"

#include <algorithm>
#include <cassert>
namespace quicksilver {

namespace {

using Json = nlohmann::ordered_json;
using Path = std::vector<std::string>;

/// What a path is shown as, and whether only a restart makes it effective.
void add_change(const Json& document, const Path& path, ConfigReload& reload) {
    reload.changed.push_back(path_text(path));
    const ConfigField* field = find_field_of_path(document, path);
    if (field && field->needs_restart) reload.needs_restart.push_back(reload.changed.back());
}

std::vector<std::string> keys_of(const Json& object) {
    std::vector<std::string> keys;
    for (const auto& [key, member] : object.items()) keys.push_back(key);
    return keys;
}

/// Walks through both as long as both are objects; a difference anywhere else is a change of the setting there.
void compare(const Json& document, const Json& old_value, const Json& new_value, Path& path, ConfigReload& reload) {
    if (old_value == new_value) return;
    if (!old_value.is_object() || !new_value.is_object()) return add_change(document, path, reload);
    const std::size_t changed_before = reload.changed.size();
    const Json nothing;
    for (const auto& [key, member] : old_value.items()) {
        const Json* now = find_member(new_value, key);
        path.push_back(key);
        compare(document, member, now ? *now : nothing, path, reload);
        path.pop_back();
    }
    for (const auto& [key, member] : new_value.items()) {
        if (find_member(old_value, key)) continue;
        path.push_back(key);
        compare(document, nothing, member, path, reload);
        path.pop_back();
    }
    // Not equal, but no member differs: the order does, and for rules it counts.
    const bool order_only = reload.changed.size() == changed_before && keys_of(old_value) != keys_of(new_value);
    if (order_only && path == Path{"rules"}) add_change(document, path, reload);
}

}  // namespace

ConfigHandle::ConfigHandle(ConfigSources sources, LoadedConfig initial, Validator validate)
    : sources_(std::move(sources)),
      validate_(std::move(validate)),
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
    if (loaded.ok()) {
        if (const auto written = write_config_file(sources_.file, text); !written) {
            loaded.add({{ProblemSeverity::error, "", written.error().message}});
        }
    }
    if (!loaded.ok()) return {.ok = false, .changed = {}, .needs_restart = {}, .problems = std::move(loaded.problems)};
    loaded.stamp = config_file_stamp(sources_.file);
    return take(std::move(loaded));
}

ConfigReload ConfigHandle::take(LoadedConfig loaded) {
    ConfigReload reload;
    reload.ok = loaded.ok();
    reload.problems = loaded.problems;
    if (loaded.ok()) {
        Path path;
        compare(loaded.config->document, snapshot()->document, loaded.config->document, path, reload);
    }
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
