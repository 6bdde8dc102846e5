#include "module_runtimes.hpp"

#include "quicksilver/core/config_field.hpp"

#include "config_json.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quicksilver::api {

using Json = nlohmann::json;

namespace {

/// Settings of a module that only one kind of runtime looks at.
constexpr std::string_view of_nomad[] = {"constraints", "resources"};
constexpr std::string_view of_containers[] = {
    "docker_tag",           "additional_volumes",      "environment",     "docker_arguments", "requires_root",
    "requires_persistence", "persistence_folder_name", "network_enabled", "pull_policy",      "gpus",
    "link_inputs"};

Json module_schema(std::string_view runtime, bool has_container) {
    Json schema = fields_schema(module_fields());
    Json& properties = schema["properties"];
    for (const std::string_view key : of_nomad) properties.erase(std::string(key));
    if (!has_container) {
        for (const std::string_view key : of_containers) properties.erase(std::string(key));
    }
    properties["runner"]["const"] = runtime;
    properties["runner"].erase("enum");
    if (has_container) {
        properties["runner"] = {{"enum", Json::array({"", runtime})}, {"default", ""}, {"x-type", "choice"}};
    } else {
        schema["required"].push_back("runner");
    }
    return schema;
}

Json flag(const char* help) {
    return {{"type", "boolean"}, {"default", false}, {"description", help}, {"x-type", "boolean"}};
}

Json text(const char* help) {
    return {{"type", "string"}, {"description", help}, {"x-type", "text"}};
}

Json expression(const char* help) {
    return {{"type", "string"}, {"description", help}, {"x-type", "expression"}};
}

Json object(Json properties, Json required = Json::array()) {
    return {{"type", "object"},
            {"properties", std::move(properties)},
            {"required", std::move(required)},
            {"additionalProperties", false}};
}

/// One change of a tag: docs/modules.md.
Json edit_schema() {
    const Json otherwise = text("The value when a tag that is asked for is missing; without it that is a failure.");
    const Json condition = expression("The change is only made when this is true.");
    const Json value = expression("An expression with the tags of the file.");
    const Json plain = text("The new value as it is, instead of `value`.");
    const Json texts = {{"type", Json::array({"string", "array"})},
                        {"items", {{"type", "string"}}},
                        {"description", "An element or a list of them; `private` is all private elements."},
                        {"x-type", "text_list"}};
    const Json set = {{"set", text("The element, which is made when it is missing.")},
                      {"value", value},
                      {"text", plain},
                      {"default", otherwise},
                      {"if", condition}};
    const Json append = {
        {"append", text("The element, which is made when it is missing.")}, {"value", value},       {"text", plain},
        {"separator", text("Between what is there and the new text.")},     {"default", otherwise}, {"if", condition}};
    const Json copy = {{"copy", text("The element that is copied.")},
                       {"to", text("The element that it is copied to.")},
                       {"default", otherwise},
                       {"if", condition}};
    const Json remove = {{"remove", texts},
                         {"everywhere", flag("Also in sequences, however deep.")},
                         {"default", otherwise},
                         {"if", condition}};
    return {{"anyOf", Json::array({object(set, {"set"}), object(append, {"append"}), object(copy, {"copy", "to"}),
                                   object(remove, {"remove"})})}};
}

Json edits_schema() {
    constexpr int edits_max = 500;
    const Json edits = {{"type", "array"},
                        {"items", edit_schema()},
                        {"maxItems", edits_max},
                        {"description", "One change after the other, each seeing what the ones before have done."},
                        {"x-type", "list"}};
    return object({{"edits", edits}}, {"edits"});
}

/// The options of DICOM PS3.15 Annex E: docs/deidentification.md.
Json deidentify_schema() {
    constexpr int days_max = 36'500;
    Json creators = text("Creators of private elements that are known to be safe, beside those of the standard.");
    creators["type"] = Json::array({"string", "array"});
    creators["items"] = {{"type", "string"}};
    creators["x-type"] = "text_list";
    Json prefix = text("Begin of the pseudonyms: at most 40 letters, digits, - and _.");
    prefix["maxLength"] = 40;
    prefix["pattern"] = "^[A-Za-z0-9_-]*$";
    const Json days = {{"type", "integer"},   {"minimum", 1},
                       {"maximum", days_max}, {"description", "Dates are shifted back by up to so many days."},
                       {"x-type", "integer"}, {"x-unit", "days"}};
    return object({{"retain_safe_private", flag("Keep private elements that are known to be safe.")},
                   {"retain_uids", flag("Keep UIDs.")},
                   {"retain_device_identity", flag("Keep what names the device.")},
                   {"retain_institution_identity", flag("Keep what names the institution.")},
                   {"retain_patient_characteristics", flag("Keep age, size, weight and the like.")},
                   {"retain_full_dates", flag("Keep dates and times as they are.")},
                   {"retain_modified_dates", flag("Keep dates, shifted; excludes retain_full_dates.")},
                   {"clean_descriptors", flag("Keep descriptions without words that may name somebody.")},
                   {"clean_structured_content", flag("Keep structured content, cleaned.")},
                   {"clean_graphics", flag("Keep graphics, cleaned.")},
                   {"accept_burned_in", flag("Take images that may show a name in their pixels.")},
                   {"days_back_max", days},
                   {"safe_private_creators", std::move(creators)},
                   {"pseudonym_prefix", std::move(prefix)}});
}

}  // namespace

Json module_runtimes() {
    const Json any = {{"type", "object"}, {"x-type", "object"}};
    return Json::array({{{"runtime", "docker"},
                         {"title", "Container of Docker or Podman"},
                         {"needs_engine", true},
                         {"schema", module_schema("docker", true)},
                         {"settings_schema", any}},
                        {{"runtime", "edit-tags"},
                         {"title", "Changes of tags, without a container"},
                         {"needs_engine", false},
                         {"schema", module_schema("edit-tags", false)},
                         {"settings_schema", edits_schema()}},
                        {{"runtime", "deidentify"},
                         {"title", "De-identification, without a container"},
                         {"needs_engine", false},
                         {"schema", module_schema("deidentify", false)},
                         {"settings_schema", deidentify_schema()}}});
}

}  // namespace quicksilver::api
