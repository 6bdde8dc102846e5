#pragma once

#include "quicksilver/store/journal.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace quicksilver {

/// Has the configuration remember in `former_names` what an object was called, so that tasks and studies that are under
/// way find it. `plural`: rules, targets, modules. Names of objects that are gone are forgotten.
void remember_former_name(nlohmann::ordered_json& document, const std::string& plural, const std::string& from,
                          const std::string& to);

/// The renames in a list of changes of the configuration (config_diff).
std::vector<journal::Renamed> renames_in(const nlohmann::json& changes);

}  // namespace quicksilver
