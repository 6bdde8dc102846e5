#include "quicksilver/core/config_loader.hpp"

#include <unistd.h>

namespace quicksilver {

namespace {

std::string variable(const Environment& environment, const std::string& name) {
    const auto found = environment.find(name);
    return found == environment.end() ? "" : found->second;
}

}  // namespace

Environment process_environment() {
    Environment all;
    for (char** entry = environ; entry && *entry; ++entry) {
        const std::string_view text = *entry;
        const auto equals = text.find('=');
        if (equals != std::string_view::npos) all.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    return all;
}

ConfigLocation find_config_file(const std::filesystem::path& command_line, const Environment& environment,
                                const std::filesystem::path& data) {
    if (!command_line.empty()) return {command_line, "--config"};
    if (auto file = variable(environment, "QUICKSILVER_CONFIG"); !file.empty()) return {file, "$QUICKSILVER_CONFIG"};
    if (auto file = variable(environment, "MERCURE_CONFIG_FILE"); !file.empty()) return {file, "$MERCURE_CONFIG_FILE"};
    if (auto folder = variable(environment, "MERCURE_CONFIG_FOLDER"); !folder.empty()) {
        return {std::filesystem::path(folder) / "mercure.json", "$MERCURE_CONFIG_FOLDER"};
    }
    return {data / "config" / "quicksilver.json", "the data folder", true};
}

Result<std::filesystem::path> find_data_folder(const std::filesystem::path& command_line,
                                               const Environment& environment, bool service_user) {
    if (!command_line.empty()) return std::filesystem::absolute(command_line);
    if (auto folder = variable(environment, "QUICKSILVER_DATA"); !folder.empty()) {
        return std::filesystem::absolute(folder);
    }
    if (service_user) return std::filesystem::path("/var/lib/quicksilver");
    const std::string home = variable(environment, "HOME");
    if (home.empty()) return Error{Errc::invalid, "no data folder: give --data DIR, or set QUICKSILVER_DATA or HOME"};
    return std::filesystem::path(home) / ".local/share/quicksilver";
}

}  // namespace quicksilver
