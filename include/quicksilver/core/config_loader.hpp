#pragma once

#include "quicksilver/core/config.hpp"
#include "quicksilver/core/result.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

using Environment = std::map<std::string, std::string>;

/// The environment of this process. Main thread, at start.
Environment process_environment();

enum class ProblemSeverity {
    note,     ///< what is read differently from mercure, or has no effect
    warning,  ///< the server runs, a person should look
    error,    ///< it does not
};

/// One finding, with the path of the setting (`targets.pacs.port`), or "" for the file as a whole.
struct ConfigProblem {
    ProblemSeverity severity = ProblemSeverity::error;
    std::string path;
    std::string message;

    bool operator==(const ConfigProblem&) const = default;
};

/// `error: targets.pacs.port: 99999 is not a port (1–65535)`
std::string to_string(const ConfigProblem& problem);
bool has_errors(const std::vector<ConfigProblem>& problems);

/// Where the settings come from: later ones win over earlier ones.
struct ConfigSources {
    std::filesystem::path file;    ///< empty: no file, the defaults count
    std::filesystem::path data;    ///< the data folder (`find_data_folder`)
    Environment environment;       ///< QUICKSILVER_KEY, dots as `__`
    std::vector<std::string> set;  ///< `key=value` of the command line
};

enum class ConfigOrigin { built_in, file, environment, command_line };

/// A value given outside the file.
struct ConfigOverride {
    std::vector<std::string> path;
    ConfigOrigin origin = ConfigOrigin::environment;
    std::string given_by;  ///< `QUICKSILVER_HTTP__PORT`, `--set http.port`
};

/// Tells one version of a file from another, cheaply. All zero: there is no file.
struct ConfigFileStamp {
    std::int64_t modified_ns = 0;
    std::uint64_t size = 0, inode = 0;

    bool operator==(const ConfigFileStamp&) const = default;
};
ConfigFileStamp config_file_stamp(const std::filesystem::path& file);

struct LoadedConfig {
    std::shared_ptr<const Config> config;  ///< null when a problem is an error
    std::vector<ConfigProblem> problems;   ///< all of them, in the order of the file
    nlohmann::ordered_json source;         ///< the file as it is, without defaults and overrides: what is written back
    std::vector<ConfigOverride> overrides;
    ConfigFileStamp stamp;  ///< of the file, taken before it was read

    bool ok() const { return config != nullptr; }
    /// For checks of the layers above (rules, targets); an error among them takes the configuration away.
    void add(std::vector<ConfigProblem> more);
};

/// Reads the file and everything that goes over it. Blocking; never throws for bad input; finds all problems at once.
LoadedConfig load_config(const ConfigSources& sources);
/// The same with the text of the file given, as when somebody saves it through the API.
LoadedConfig load_config_text(std::string_view text, const ConfigSources& sources);

/// The file and who named it: `--config`, `$QUICKSILVER_CONFIG`, `$MERCURE_CONFIG_FILE`, `$MERCURE_CONFIG_FOLDER`, or
/// the data folder's own, which may not exist yet.
struct ConfigLocation {
    std::filesystem::path file;
    std::string named_by;
    bool in_data_folder = false;  ///< made at the first start, when it is not there
};
ConfigLocation find_config_file(const std::filesystem::path& command_line, const Environment& environment,
                                const std::filesystem::path& data);

/// `--data`, `$QUICKSILVER_DATA`, `/var/lib/quicksilver` for the service user, else `~/.local/share/quicksilver`.
Result<std::filesystem::path> find_data_folder(const std::filesystem::path& command_line,
                                               const Environment& environment, bool service_user);

/// The file of a first start: short, and with compressed images accepted.
std::string first_config_text();
/// Writes it unless there is a file already. True when it was made.
Result<bool> create_first_config(const std::filesystem::path& file);

/// As it is written: 4 blanks of indentation like mercure's, keys in their order.
std::string config_text(const nlohmann::ordered_json& source);
/// Replaces the whole file: temporary file, fsync, rename, fsync of the folder. Keeps the mode of the old one; a new
/// one is for its owner only, as it may hold passwords.
Result<void> write_config_file(const std::filesystem::path& file, std::string_view text);

}  // namespace quicksilver
