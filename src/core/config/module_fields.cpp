#include "quicksilver/core/config_field.hpp"

namespace quicksilver {

namespace {

constexpr ConfigField fields[] = {
    {.key = "docker_tag", .help = "Image that is run: `registry/name:tag`.", .default_text = ""},
    {.key = "settings",
     .type = FieldType::object,
     .help = "Given to the module in `task.json`; rules may set parts of it anew.",
     .default_text = "{}"},
    {.key = "additional_volumes",
     .type = FieldType::json_text,
     .help = "More folders for the container: `{\"/host\": {\"bind\": \"/inside\", \"mode\": \"ro\"}}`, as an object "
             "or as its JSON in a string.",
     .default_text = "{}"},
    {.key = "environment",
     .type = FieldType::json_text,
     .help = "Environment variables of the container: an object or its JSON in a string.",
     .default_text = "{}"},
    {.key = "docker_arguments",
     .type = FieldType::json_text,
     .help = "More arguments for the container, named as in docker-py: an object or its JSON in a string.",
     .default_text = "{}"},
    {.key = "requires_root",
     .type = FieldType::boolean,
     .help = "Run as root; needs `support_root_modules`.",
     .default_text = "false"},
    {.key = "requires_persistence",
     .type = FieldType::boolean,
     .help = "Give the module a folder that stays between runs.",
     .default_text = "false"},
    {.key = "persistence_folder_name", .help = "Name of that folder; empty for the module's name.", .default_text = ""},
    {.key = "network_enabled",
     .type = FieldType::boolean,
     .help = "Let the container reach the network.",
     .default_text = "true"},
    {.key = "constraints", .help = "Nomad: constraints in HCL.", .default_text = ""},
    {.key = "resources", .help = "Nomad: resources in HCL.", .default_text = ""},
    {.key = "contact", .help = "Who to ask.", .default_text = ""},
    {.key = "comment", .help = "For people.", .default_text = ""},
};

}  // namespace

FieldTable module_fields() {
    return fields;
}

}  // namespace quicksilver
