#include "manual.hpp"

#include "quicksilver/core/config_report.hpp"

#include "fields.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace quicksilver {

namespace {

constexpr std::string_view introduction = R"(# Configuration

<!-- Made from the tables of the program. Change them there, then run the core tests with QUICKSILVER_UPDATE_DOCS=1.
-->

One JSON file, with mercure's keys and a few more. An existing `mercure.json` works as it is; `quicksilver config
check FILE` says what is read differently. Comments (`//` and `/* */`) are allowed; they are lost when the web
interface saves.

The file is the first of these that is named:

1. `--config FILE`
2. `$QUICKSILVER_CONFIG`
3. `$MERCURE_CONFIG_FILE`
4. `$MERCURE_CONFIG_FOLDER/mercure.json`
5. `config/quicksilver.json` in the data folder, made at the first start

Every key can also be given for one run, which goes over the file: `--set http.port=8080`, or, with dots as two
underscores, the environment variable `QUICKSILVER_HTTP__PORT=8080`. The command line goes over the environment.
`quicksilver config show` prints what counts and where it comes from.

The file is read again on SIGHUP, when it changes, and when the web interface saves. Nothing is taken over unless
all of it is right; otherwise the running configuration stays, and the log, the interface and the metric
`config_last_reload_successful` say so. Settings marked *restart* count from the next start.

**Values.** Numbers and booleans may be texts (`"60"`, `"True"`), as mercure allows. Seconds may have fractions.
`null` is the same as leaving a key out. Keys that nobody knows are kept and give a warning; those that begin with
`_` or `//` are comments.

**Secrets** (marked *secret*) may be kept outside the file: `{"file": "/run/secrets/pacs"}`, or `{"env":
"PACS_PASSWORD"}`. They are never shown or logged.

A key marked **+** is one that mercure does not have.
)";

std::string type_text(const ConfigField& field) {
    switch (field.type) {
        case FieldType::text:
            return "text";
        case FieldType::boolean:
            return "true, false";
        case FieldType::integer:
            return fmt::format("{}–{}{}{}", field.min, field.max, field.unit.empty() ? "" : " ", field.unit);
        case FieldType::number:
            return fmt::format("{}–{}{}{}", field.min, field.max, field.unit.empty() ? "" : " ", field.unit);
        case FieldType::duration:
            return "seconds";
        case FieldType::port:
            return "port";
        case FieldType::ae_title:
            return "AE title";
        case FieldType::host:
            return "host";
        case FieldType::path:
            return "path";
        case FieldType::url:
            return "URL";
        case FieldType::time_of_day:
            return "HH:MM";
        case FieldType::disk_space:
            return "per cent or size";
        case FieldType::text_list:
            return "text or list";
        case FieldType::text_map:
            return "texts by name";
        case FieldType::boolean_map:
            return "booleans by name";
        case FieldType::object:
            return "object";
        case FieldType::object_or_list:
            return "object or list";
        case FieldType::json_text:
            return "object, or JSON in a text";
        case FieldType::list:
            return "list";
        case FieldType::named_objects:
            return "objects by name";
        case FieldType::choice:
        case FieldType::transfer_syntax:
            break;
    }
    std::vector<std::string> choices;
    for (const std::string_view choice : choices_of(field))
        choices.push_back(fmt::format("`{}`", choice.empty() ? R"("")" : choice));
    return fmt::format("{}", fmt::join(choices, ", "));
}

std::string default_cell(const ConfigField& field) {
    if (field.required) return "**required**";
    if (!field.has_default() || field.default_text.empty()) return "–";
    return fmt::format("`{}`", field.default_text);
}

std::string meaning_cell(const ConfigField& field) {
    std::string text(field.help);
    if (!field.no_effect.empty()) text += fmt::format(" No effect: {}.", field.no_effect);
    if (field.secret) text += " *secret*";
    if (field.needs_restart) text += " *restart*";
    return text;
}

std::string table(FieldTable fields) {
    std::string text(manual_table_head);
    for (const ConfigField& field : fields) text += manual_row(field);
    return text;
}

std::string settings_section() {
    std::vector<std::string_view> groups;
    for (const ConfigField& field : setting_fields()) {
        if (std::ranges::find(groups, field.group) == groups.end()) groups.push_back(field.group);
    }
    std::string text;
    for (const std::string_view group : groups) {
        text += fmt::format("\n## {}\n{}", group, manual_table_head);
        for (const ConfigField& field : setting_fields()) {
            if (field.group == group) text += manual_row(field);
        }
    }
    text += "\nEach entry of `dicom.accept`:\n";
    return text + table(find_field(setting_fields(), "dicom.accept")->items);
}

std::string targets_section() {
    std::string text =
        "\n## Targets\n\n`targets` is an object: name → target. A target without `target_type` gets it from its "
        "fields, "
        "never by trial: `ip` or an AE title makes it `dicom` (with TLS files `dicomtls`), `url` `dicomweb`, `bucket` "
        "`s3`, `project_id` `xnat`, `host` `sftp` (with `run_on_complete` `rsync`), `folder` alone `folder`. When they "
        "tell nothing, that is an error; it never becomes a `dummy`. AE titles may have blanks, hosts `_` and IPv6 "
        "addresses.\n\n[targets.md](targets.md) says how each delivers.\n\nAll targets (`max_parallel` is 2 for "
        "`dicom` and `dicomtls`):\n";
    text += manual_table_head;
    for (const ConfigField& field : target_fields("dummy")) text += manual_row(field);
    for (const std::string_view type : target_types()) {
        if (type == "dummy") continue;
        text += fmt::format("\n### {} (`{}`)\n{}", target_type_title(type), type, manual_table_head);
        for (const ConfigField& field : target_fields(type)) {
            if (!is_for_every_type(field)) text += manual_row(field);
        }
    }
    return text;
}

}  // namespace

std::string manual_row(const ConfigField& field) {
    return fmt::format("| `{}`{} | {} | {} | {} |\n", field.key, field.owner == FieldOwner::quicksilver ? " **+**" : "",
                       type_text(field), default_cell(field), meaning_cell(field));
}

/// A group is not delivered to itself, so it lacks some of what all others have.
bool is_for_every_type(const ConfigField& field) {
    return std::ranges::all_of(target_types(), [&](std::string_view type) {
        return type == "group" || find_field(target_fields(type), field.key);
    });
}

std::string config_manual() {
    std::string text(introduction);
    text += settings_section();
    text += targets_section();
    text += "\n## Rules\n\n`rules` is an object: name → rule. Their order counts.\n" + table(rule_fields());
    text += "\n## Modules\n\n`modules` is an object: name → module.\n" + table(module_fields());
    return text;
}

}  // namespace quicksilver
