#pragma once

#include "quicksilver/core/config_loader.hpp"

#include "findings.hpp"

#include <nlohmann/json.hpp>

namespace quicksilver {

/// Puts what the environment and the command line give over the document of the file; says what came from where.
std::vector<ConfigOverride> apply_overrides(nlohmann::ordered_json& document, const ConfigSources& sources,
                                            Findings& findings);

}  // namespace quicksilver
