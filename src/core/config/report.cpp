#include "quicksilver/core/config_report.hpp"

#include "fields.hpp"
#include "findings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace quicksilver {

namespace {

using Json = nlohmann::ordered_json;
using Path = std::vector<std::string>;

std::string count_text(std::size_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::vector<const ConfigProblem*> problems_of(const LoadedConfig& loaded, ProblemSeverity severity) {
    std::vector<const ConfigProblem*> some;
    for (const ConfigProblem& problem : loaded.problems) {
        if (problem.severity == severity) some.push_back(&problem);
    }
    return some;
}

Json problems_json(const LoadedConfig& loaded, ProblemSeverity severity) {
    Json list = Json::array();
    for (const ConfigProblem* problem : problems_of(loaded, severity)) {
        list.push_back({{"path", problem->path}, {"message", problem->message}});
    }
    return list;
}

/// Objects with members are walked through, everything else is one setting.
void for_each_setting(const Json& value, Path& path, const std::function<void(const Path&, const Json&)>& visit) {
    if (!value.is_object() || value.empty()) {
        if (!path.empty()) visit(path, value);
        return;
    }
    for (const auto& [key, member] : value.items()) {
        path.push_back(key);
        for_each_setting(member, path, visit);
        path.pop_back();
    }
}

bool begins_with(const Path& path, const Path& beginning) {
    return path.size() >= beginning.size() && std::equal(beginning.begin(), beginning.end(), path.begin());
}

/// An object may have become more than the file says (defaults), and a text may have become an object (JSON in it).
bool is_in_file(const Json& source, const Path& path) {
    const Json* here = &source;
    for (const std::string& key : path) {
        if (!here->is_object()) return true;
        here = find_member(*here, key);
        if (!here || here->is_null()) return false;
    }
    return true;
}

ConfigOrigin origin_of(const LoadedConfig& loaded, const Path& path) {
    const auto given = std::find_if(loaded.overrides.rbegin(), loaded.overrides.rend(),
                                    [&](const ConfigOverride& one) { return begins_with(path, one.path); });
    if (given != loaded.overrides.rend()) return given->origin;
    return is_in_file(loaded.source, path) ? ConfigOrigin::file : ConfigOrigin::built_in;
}

std::string_view origin_text(ConfigOrigin origin) {
    switch (origin) {
        case ConfigOrigin::built_in:
            return "default";
        case ConfigOrigin::file:
            return "file";
        case ConfigOrigin::environment:
            return "environment";
        case ConfigOrigin::command_line:
            break;
    }
    return "command line";
}

}  // namespace

std::string config_check_text(const LoadedConfig& loaded, const std::filesystem::path& file) {
    std::string text;
    for (const ProblemSeverity severity : {ProblemSeverity::error, ProblemSeverity::warning, ProblemSeverity::note}) {
        for (const ConfigProblem* problem : problems_of(loaded, severity)) text += to_string(*problem) + "\n";
    }
    const std::string counts =
        fmt::format("{}, {}, {}", count_text(problems_of(loaded, ProblemSeverity::error).size(), "error"),
                    count_text(problems_of(loaded, ProblemSeverity::warning).size(), "warning"),
                    count_text(problems_of(loaded, ProblemSeverity::note).size(), "note"));
    return text + fmt::format("{}: {} ({})\n", file.string(), loaded.ok() ? "can run" : "cannot run", counts);
}

Json config_check_json(const LoadedConfig& loaded, const std::filesystem::path& file) {
    return {{"file", file.string()},
            {"ok", loaded.ok()},
            {"errors", problems_json(loaded, ProblemSeverity::error)},
            {"warnings", problems_json(loaded, ProblemSeverity::warning)},
            {"notes", problems_json(loaded, ProblemSeverity::note)}};
}

Json config_show_json(const LoadedConfig& loaded) {
    Json list = Json::array();
    Path path;
    const auto add = [&](const Path& at, const Json& value) {
        list.push_back({{"key", path_text(at)}, {"value", value}, {"origin", origin_text(origin_of(loaded, at))}});
    };
    for_each_setting(masked_config(loaded.config->document), path, add);
    return list;
}

std::string config_show_text(const LoadedConfig& loaded) {
    std::string text;
    for (const Json& setting : config_show_json(loaded)) {
        text += fmt::format("{} = {}    ({})\n", setting["key"].get<std::string>(),
                            setting["value"].dump(-1, ' ', false, Json::error_handler_t::replace),
                            setting["origin"].get<std::string>());
    }
    return text;
}

}  // namespace quicksilver
