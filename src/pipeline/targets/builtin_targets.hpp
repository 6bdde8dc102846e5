#pragma once

#include "quicksilver/pipeline/targets/target.hpp"

namespace quicksilver {

Result<std::unique_ptr<Target>> make_dicom_target(const TargetConfig& target, const Config& config);
Result<std::unique_ptr<Target>> make_folder_target(const TargetConfig& target, const Config& config, FileOps& ops);

}  // namespace quicksilver
