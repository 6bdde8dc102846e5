#include "quicksilver/dicom/startup.hpp"
#include "quicksilver/dicom/tag_reader.hpp"

#include "commands.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <set>

namespace quicksilver {

namespace {

/// The last value of a repeated tag counts; it is shown once.
nlohmann::ordered_json as_json(const Tags& tags) {
    nlohmann::ordered_json document = nlohmann::ordered_json::object();
    for (const auto& [key, value] : tags.entries()) document[key] = tags.get(key);
    return document;
}

void print_text(const std::string& file, const Tags& tags, bool with_name) {
    if (with_name) fmt::print("{}\n", file);
    const auto document = as_json(tags);
    for (const auto& [key, value] : document.items()) fmt::print("{:<28} {}\n", key, value.get<std::string>());
}

int show_tags(const std::vector<std::string>& files, bool json) {
    const auto dicom = dicom::Startup::begin(Log(make_silent_log(), "tags"));
    if (!dicom) return fail(dicom.error().message);
    int status = 0;
    nlohmann::ordered_json all = nlohmann::ordered_json::array();
    for (const std::string& file : files) {
        const auto tags = dicom::read_tags(file);
        if (!tags) {
            status = fail(tags.error().message);
        } else if (json) {
            all.push_back(as_json(*tags));
        } else {
            print_text(file, *tags, files.size() > 1);
        }
    }
    if (json && !all.empty()) fmt::print("{}\n", (files.size() == 1 ? all.front() : all).dump(2));
    return status;
}

}  // namespace

void add_tags_command(CLI::App& app, int& status) {
    auto* command = app.add_subcommand("tags", "The tags of DICOM files as rules see them");
    const auto files = std::make_shared<std::vector<std::string>>();
    const auto json = std::make_shared<bool>(false);
    command->add_option("FILE", *files, "DICOM files")->required();
    command->add_flag("--json", *json, "An object a file; a list of them for several files");
    command->callback([files, json, &status] { status = show_tags(*files, *json); });
}

}  // namespace quicksilver
