#include "quicksilver/app/config_checks.hpp"
#include "quicksilver/core/config_report.hpp"

#include "commands.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <memory>

namespace quicksilver {

namespace {

int check(const std::string& file, bool json) {
    auto resolved = resolve(ConfigOptions{file, {}, {}});
    if (!resolved) return fail(resolved.error().message);
    LoadedConfig loaded = load_config(resolved->sources);
    if (loaded.ok()) loaded.add(check_above_core(*loaded.config));
    if (json) {
        fmt::print("{}\n", config_check_json(loaded, file).dump(2));
    } else {
        fmt::print("{}", config_check_text(loaded, file));
    }
    return loaded.ok() ? 0 : 1;
}

int show(const ConfigOptions& options, bool json) {
    auto resolved = resolve(options);
    if (!resolved) return fail(resolved.error().message);
    // The data folder's own file is made at the first start; until then the defaults count.
    std::error_code ignored;
    if (resolved->create && !std::filesystem::exists(resolved->sources.file, ignored)) resolved->sources.file.clear();
    const LoadedConfig loaded = load_config(resolved->sources);
    if (!loaded.ok()) {
        fmt::print(stderr, "{}", config_check_text(loaded, resolved->sources.file));
        return fail("the configuration cannot be used");
    }
    if (json) {
        fmt::print("{}\n", config_show_json(loaded).dump(2));
    } else {
        fmt::print("{}", config_show_text(loaded));
    }
    return 0;
}

}  // namespace

void add_config_command(CLI::App& app, int& status) {
    auto* command = app.add_subcommand("config", "Check or show a configuration");
    command->require_subcommand(1);

    auto* check_command =
        command->add_subcommand("check", "Every problem of a file with its path; also for a mercure.json");
    const auto file = std::make_shared<std::string>();
    const auto json = std::make_shared<bool>(false);
    check_command->add_option("FILE", *file, "Configuration file")->required();
    check_command->add_flag("--json", *json, "For machines");
    check_command->callback([file, json, &status] { status = check(*file, *json); });

    auto* show_command = command->add_subcommand("show", "The effective configuration, with the origin of each value");
    const auto options = std::make_shared<ConfigOptions>();
    options->add_to(*show_command);
    show_command->add_flag("--json", *json, "For machines");
    show_command->callback([options, json, &status] { status = show(*options, *json); });
}

}  // namespace quicksilver
