#pragma once

#include <nlohmann/json.hpp>

#include <limits>
#include <span>
#include <string_view>

namespace quicksilver {

/// What a setting holds. The loader coerces as mercure does: "60" is a number, "True" is a boolean, 104 is a text.
enum class FieldType {
    text,
    boolean,
    integer,
    number,    ///< fractions allowed
    duration,  ///< seconds, fractions allowed
    port,      ///< 1–65535; 0 only where `min` says so
    ae_title,  ///< 1–16 characters of ISO 646 without backslash and control characters; may be empty
    host,      ///< a name or address, IPv6 too; may be empty
    path,      ///< a file or folder
    url,
    choice,           ///< one of `choices`
    time_of_day,      ///< "HH:MM"
    disk_space,       ///< "5%", "10GB", or bytes
    transfer_syntax,  ///< one of `choices`, or the UID of a transfer syntax
    text_list,        ///< a text or a list of texts; the effective value is a list
    text_map,         ///< an object of texts; an empty list stands for an empty object
    boolean_map,      ///< an object of booleans
    object,           ///< any JSON object
    object_or_list,   ///< an object, or a list of objects
    json_text,        ///< an object, or its JSON in a string; the effective value is an object
    list,             ///< a list of objects, each with the fields of `items`
    named_objects,    ///< targets, rules, modules: name → object, each with a table of its own
};

/// Whose key it is: one of mercure.json, or one of ours beside them.
enum class FieldOwner { mercure, quicksilver };

/// One setting. The tables of these feed the loader, docs/configuration.md, and the forms of the web interface.
struct ConfigField {
    std::string_view key{};    ///< with dots: `http.port`
    std::string_view group{};  ///< heading of the top-level settings: "DICOM"
    FieldType type = FieldType::text;
    std::string_view help{};          ///< a sentence or two for people
    std::string_view default_text{};  ///< as JSON, for texts without quotes; a null view = none, the key stays absent
    std::string_view unit{};          ///< s, %, bytes
    double min = std::numeric_limits<double>::lowest();
    double max = std::numeric_limits<double>::max();
    std::string_view choices{};  ///< separated by blanks; `-` stands for the empty text
    std::span<const ConfigField> items{};
    bool required = false;
    bool needs_restart = false;
    bool secret = false;   ///< masked; may be {"file": …} or {"env": …}
    bool lenient = false;  ///< mercure takes any value here, so a bad one is a warning and the default counts
    FieldOwner owner = FieldOwner::mercure;
    std::string_view no_effect{};  ///< why the key changes nothing here, for `config check`

    bool has_default() const { return default_text.data() != nullptr; }
};

/// The default as the effective configuration holds it; null when there is none.
nlohmann::ordered_json default_value(const ConfigField& field);

using FieldTable = std::span<const ConfigField>;

FieldTable setting_fields();
FieldTable rule_fields();
FieldTable module_fields();
/// dicom, dicomtls, dicomweb, sftp, rsync, xnat, s3, folder, group, dummy
std::span<const std::string_view> target_types();
/// What a person calls that type: "DICOM with TLS".
std::string_view target_type_title(std::string_view type);
/// Empty for a type that does not exist.
FieldTable target_fields(std::string_view type);

/// The row of that key, or null.
const ConfigField* find_field(FieldTable fields, std::string_view key);
/// The row that a path of the whole configuration belongs to, or null: `targets.pacs.port`, `http.port`.
const ConfigField* find_field_of_path(const nlohmann::ordered_json& document, std::span<const std::string> path);

}  // namespace quicksilver
