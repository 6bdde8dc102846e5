#pragma once

#include "quicksilver/core/config_loader.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace quicksilver {

/// `quicksilver config check`: every problem with its path, worst first, and a last line that says whether it runs.
std::string config_check_text(const LoadedConfig& loaded, const std::filesystem::path& file);
/// {"file", "ok", "errors": [{"path", "message"}], "warnings": […], "notes": […]}
nlohmann::ordered_json config_check_json(const LoadedConfig& loaded, const std::filesystem::path& file);

/// `quicksilver config show`: `http.port = 8000    (default)`, one setting a line, secrets masked.
/// For a configuration that loaded.
std::string config_show_text(const LoadedConfig& loaded);
/// [{"key", "value", "origin": "default" | "file" | "environment" | "command line"}]
nlohmann::ordered_json config_show_json(const LoadedConfig& loaded);

/// The same document with every secret as "********" (and whether it is set at all still visible: "" stays "").
nlohmann::ordered_json masked_config(const nlohmann::ordered_json& document);

/// docs/configuration.md, made from the tables.
std::string config_manual();
/// docs/targets.md: what each kind of target does, with its fields.
std::string targets_manual();

}  // namespace quicksilver
