#include "commands.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <pwd.h>
#include <unistd.h>

namespace quicksilver {

namespace {

bool is_service_user() {
    const passwd* user = ::getpwuid(::geteuid());
    return user && std::string(user->pw_name) == "quicksilver";
}

}  // namespace

int fail(const std::string& message) {
    fmt::print(stderr, "quicksilver: {}\n", message);
    return 1;
}

void LogOptions::add_to(CLI::App& command) {
    command.add_option("--log-format", format, "text or json")->check(CLI::IsMember({"text", "json"}));
    command.add_option("--log-level", level, "trace, debug, info, warn, error or off")
        ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}));
}

Log LogOptions::make_log() const {
    return Log(make_ring(), "quicksilver");
}

std::shared_ptr<LogRing> LogOptions::make_ring() const {
    LogLevel parsed = LogLevel::info;
    parse_log_level(level, parsed);
    return std::make_shared<LogRing>(make_stderr_log(format == "json" ? LogFormat::json : LogFormat::text, parsed));
}

void ConfigOptions::add_to(CLI::App& command) {
    command.add_option("--config", config, "Configuration file (default: DATA/config/quicksilver.json)");
    command.add_option("--data", data, "Data folder (default: ~/.local/share/quicksilver)");
    command.add_option("--set", set, "KEY=VALUE, over what the file says; may be repeated")->allow_extra_args(false);
}

Result<ResolvedConfig> resolve(const ConfigOptions& options) {
    ResolvedConfig resolved;
    resolved.sources.environment = process_environment();
    auto data = find_data_folder(options.data, resolved.sources.environment, is_service_user());
    if (!data) return data.error();
    const ConfigLocation location = find_config_file(options.config, resolved.sources.environment, *data);
    resolved.sources.file = location.file;
    resolved.sources.data = *data;
    resolved.sources.set = options.set;
    resolved.create = location.in_data_folder;
    return resolved;
}

}  // namespace quicksilver
