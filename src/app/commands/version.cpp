#include "quicksilver/app/version.hpp"

#include "quicksilver/app/server.hpp"

#include "commands.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <memory>

namespace quicksilver {

namespace {

int print_version(bool json) {
    if (json) {
        nlohmann::ordered_json document;
        document["version"] = program_version();
        document["commit"] = build_commit();
        for (const LibraryVersion& library : library_versions()) document["libraries"][library.name] = library.version;
        fmt::print("{}\n", document.dump(2));
        return 0;
    }
    const std::string commit = build_commit();
    fmt::print("quicksilver {}{}\n", program_version(), commit.empty() ? "" : " (" + commit + ")");
    for (const LibraryVersion& library : library_versions()) fmt::print("  {} {}\n", library.name, library.version);
    return 0;
}

}  // namespace

void add_version_command(CLI::App& app, int& status) {
    auto* command = app.add_subcommand("version", "Version, commit, and versions of the libraries");
    const auto json = std::make_shared<bool>(false);
    command->add_flag("--json", *json, "For machines");
    command->callback([json, &status] { status = print_version(*json); });
}

}  // namespace quicksilver
