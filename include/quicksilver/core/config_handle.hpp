#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/core/config_loader.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

/// How a reload went.
struct ConfigReload {
    bool ok = false;                         ///< the new configuration counts from now on
    std::vector<std::string> changed;        ///< paths of the settings that differ; never their values
    std::vector<std::string> needs_restart;  ///< all that differ from what runs until the next restart
    std::vector<ConfigProblem> problems;     ///< errors: why the old configuration stays
};

/// The configuration that counts now. `snapshot` is for any thread; `reload` blocks (it reads files) and is for one
/// thread at a time, others wait.
class ConfigHandle {
public:
    /// Checks of the layers above: do the rules parse, can the targets be built. Called by `reload` on its thread.
    using Validator = std::function<std::vector<ConfigProblem>(const Config&)>;

    /// `initial` must be ok().
    ConfigHandle(ConfigSources sources, LoadedConfig initial, Validator validate = {});

    /// A task takes one and keeps it to its end. Folders and listeners are those of the start: what needs a restart
    /// shows in `document`, not in the typed members.
    std::shared_ptr<const Config> snapshot() const;
    /// What the snapshot was made from, for showing and writing back.
    LoadedConfig loaded() const;

    /// Parse, check, and only without any error take over.
    ConfigReload reload();

    /// Checks a new text of the file, and only without any error writes it and takes over. Refused when somebody else
    /// has changed the file and it has not been reloaded since.
    ConfigReload save(std::string_view text);

    /// What `save` would say of this text, without saving it.
    ConfigReload check(std::string_view text) const;

    /// At the start: the file cannot be used, and an older configuration counts. It shows as the last reload, and the
    /// file as looked at.
    void note_refused_file(std::vector<ConfigProblem> problems);

    /// Whether the file is another one than at the last load or reload, failed ones too. Cheap: one stat.
    bool changed_on_disk() const;

    /// The last reload; before the first one: ok and nothing changed.
    ConfigReload last_reload() const;
    const std::filesystem::path& file() const { return sources_.file; }

private:
    ConfigReload take(LoadedConfig loaded);
    ConfigReload compared(const LoadedConfig& loaded) const;

    const ConfigSources sources_;
    const Validator validate_;
    const std::shared_ptr<const Config> started_;
    std::mutex reloading_;
    mutable std::mutex mutex_;  // guards the rest
    LoadedConfig current_;
    ConfigFileStamp stamp_;  // of the last reload, also of a failed one
    ConfigReload last_reload_;
};

}  // namespace quicksilver
