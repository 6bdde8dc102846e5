#include "quicksilver/core/config_loader.hpp"

#include "build.hpp"
#include "cross_checks.hpp"
#include "fields.hpp"
#include "file.hpp"
#include "findings.hpp"
#include "overrides.hpp"
#include "parse.hpp"
#include "values.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace quicksilver {

namespace {

using Json = nlohmann::ordered_json;

/// `incoming_folder` … : below the data folder unless set, and complete paths in any case.
void complete_folders(Json& document, const std::filesystem::path& data, Findings& findings) {
    constexpr std::string_view suffix = "_folder";
    for (const ConfigField& field : setting_fields()) {
        if (!field.key.ends_with(suffix)) continue;
        Json& value = document[std::string(field.key)];
        const std::filesystem::path given = value.is_string() ? value.get<std::string>() : "";
        if (given.is_absolute()) continue;
        if (!given.empty()) {
            findings.warning(std::string(field.key),
                             fmt::format("{} is no complete path; taken as below the data folder", given.string()));
        }
        const std::string name(field.key.substr(0, field.key.size() - suffix.size()));
        value = (data / (given.empty() ? std::filesystem::path(name) : given)).string();
    }
}

/// mercure's receiver takes TLS from its environment; nobody should find out from an unencrypted port.
void check_mercure_environment(const Environment& environment, const Json& document, Findings& findings) {
    const auto enabled = environment.find("MERCURE_TLS_ENABLED");
    if (enabled == environment.end() || enabled->second.empty() || enabled->second == "false") return;
    const Json* dicom = find_member(document, "dicom");
    const Json* tls = dicom ? find_member(*dicom, "tls") : nullptr;
    if (tls && find_member(*tls, "certificate")) return;
    findings.warning("dicom.tls",
                     "MERCURE_TLS_ENABLED has no effect here; for an encrypted listener set "
                     "dicom.tls.certificate, dicom.tls.key and dicom.tls.ca");
}

LoadedConfig load(Json source, const ConfigSources& sources, Findings& findings) {
    LoadedConfig loaded;
    Json document = source;
    loaded.source = std::move(source);
    loaded.overrides = apply_overrides(document, sources, findings);

    Reading reading{findings, sources.environment};
    Json effective = read_object(setting_fields(), document, "", reading);
    complete_folders(effective, sources.data, findings);
    check_mercure_environment(sources.environment, effective, findings);

    // Also with errors, where defaults stand in for what is wrong: all problems are to be seen at once.
    loaded.config = std::make_shared<const Config>(build_config(std::move(effective), sources.data));
    check_relations(*loaded.config, findings);
    loaded.add(findings.take());
    return loaded;
}

LoadedConfig failed(Findings& findings) {
    LoadedConfig loaded;
    loaded.problems = findings.take();
    return loaded;
}

}  // namespace

LoadedConfig load_config(const ConfigSources& sources) {
    Findings findings;
    if (sources.file.empty()) return load(Json::object(), sources, findings);
    const ConfigFileStamp stamp = config_file_stamp(sources.file);
    LoadedConfig loaded;
    if (auto text = read_config_file(sources.file)) {
        loaded = load_config_text(*text, sources);
    } else {
        findings.error("", text.error().message);
        loaded = failed(findings);
    }
    loaded.stamp = stamp;
    return loaded;
}

LoadedConfig load_config_text(std::string_view text, const ConfigSources& sources) {
    Findings findings;
    auto source = parse_config_json(text, findings);
    if (!source) return failed(findings);
    return load(std::move(*source), sources, findings);
}

void LoadedConfig::add(std::vector<ConfigProblem> more) {
    problems.insert(problems.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    if (has_errors(problems)) config = nullptr;
}

std::string to_string(const ConfigProblem& problem) {
    static constexpr std::string_view names[] = {"note", "warning", "error"};
    const std::string_view severity = names[static_cast<std::size_t>(problem.severity)];
    if (problem.path.empty()) return fmt::format("{}: {}", severity, problem.message);
    return fmt::format("{}: {}: {}", severity, problem.path, problem.message);
}

bool has_errors(const std::vector<ConfigProblem>& problems) {
    return std::ranges::any_of(problems,
                               [](const ConfigProblem& problem) { return problem.severity == ProblemSeverity::error; });
}

}  // namespace quicksilver
