#pragma once

#include "quicksilver/core/config_loader.hpp"
#include "quicksilver/core/log.hpp"
#include "quicksilver/core/log_ring.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace quicksilver {

/// Each adds one subcommand, which sets `status` to its exit status: 0 done, 1 failed (one line on stderr says what,
/// and what to do). Wrong usage is 2 and is seen to by main.
void add_serve_command(CLI::App& app, int& status);
void add_demo_command(CLI::App& app, int& status);
void add_send_command(CLI::App& app, int& status);
void add_echo_command(CLI::App& app, int& status);
void add_tags_command(CLI::App& app, int& status);
void add_rule_command(CLI::App& app, int& status);
void add_config_command(CLI::App& app, int& status);
void add_user_command(CLI::App& app, int& status);
void add_tls_command(CLI::App& app, int& status);
void add_version_command(CLI::App& app, int& status);

/// Prints "quicksilver: …" on stderr and returns 1.
int fail(const std::string& message);

/// `--log-format`, `--log-level`.
struct LogOptions {
    std::string format = "text";
    std::string level = "info";

    void add_to(CLI::App& command);
    Log make_log() const;
    /// The same, and its last lines kept for the interface.
    std::shared_ptr<LogRing> make_ring() const;
};

/// `--config`, `--data`, `--set`.
struct ConfigOptions {
    std::filesystem::path config;
    std::filesystem::path data;
    std::vector<std::string> set;

    void add_to(CLI::App& command);
};

/// What the options and the environment come to.
struct ResolvedConfig {
    ConfigSources sources;
    bool create = false;  ///< the file is the data folder's own: made at the first start
};
Result<ResolvedConfig> resolve(const ConfigOptions& options);

}  // namespace quicksilver
