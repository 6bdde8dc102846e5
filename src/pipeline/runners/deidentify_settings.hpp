#pragma once

#include "quicksilver/dicom/deidentifier.hpp"

#include "step_settings.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace quicksilver {

/// The settings of the step `deidentify` (docs/deidentification.md).
struct DeidentifySettings {
    dicom::DeidentificationOptions options;
    std::string pseudonym_prefix = "ANON-";
};

/// What is wrong goes to `problems`.
DeidentifySettings parse_deidentify_settings(const nlohmann::json& settings, std::vector<SettingProblem>& problems);

}  // namespace quicksilver
