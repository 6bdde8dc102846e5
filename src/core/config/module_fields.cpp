#include "quicksilver/core/config_field.hpp"

namespace quicksilver {

namespace {

constexpr auto ours = FieldOwner::quicksilver;
constexpr double year_s = 366 * 86'400;

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
    {.key = "runner",
     .type = FieldType::choice,
     .help = "What runs the module; empty for `process_runner`. `edit-tags` and `deidentify` are steps of this program "
             "and need no container (docs/modules.md).",
     .default_text = "",
     .choices = "- docker nomad edit-tags deidentify",
     .owner = ours},
    {.key = "pull_policy",
     .type = FieldType::choice,
     .help = "When the image is fetched: at most once an hour, only when it is missing, or never.",
     .default_text = "always",
     .choices = "always missing never",
     .owner = ours},
    {.key = "timeout",
     .type = FieldType::duration,
     .help = "End the module after this long, as failed. 0: after `processing.timeout`.",
     .default_text = "0",
     .unit = "s",
     .min = 0,
     .max = year_s,
     .owner = ours},
    {.key = "max_parallel",
     .type = FieldType::integer,
     .help = "Runs of this module at the same time. 0: as many as `processing.max_parallel` lets.",
     .default_text = "0",
     .min = 0,
     .max = 32,
     .owner = ours},
    {.key = "gpus",
     .type = FieldType::integer,
     .help = "Graphics processors that the container gets.",
     .default_text = "0",
     .min = 0,
     .max = 1024,
     .owner = ours},
    {.key = "link_inputs",
     .type = FieldType::boolean,
     .help = "Give the module read-only links to the images instead of copies, which is faster. For modules that do "
             "not change their inputs in place.",
     .default_text = "false",
     .owner = ours},
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
