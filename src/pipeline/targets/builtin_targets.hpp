#pragma once

#include "quicksilver/pipeline/targets/target.hpp"

namespace quicksilver {

Result<std::unique_ptr<Target>> make_dicom_target(const TargetConfig& target, const Config& config,
                                                  CommitmentReports& reports);
Result<std::unique_ptr<Target>> make_dicomweb_target(const TargetConfig& target, FileOps& ops);
Result<std::unique_ptr<Target>> make_dummy_target(const TargetConfig& target, const Config& config);
Result<std::unique_ptr<Target>> make_folder_target(const TargetConfig& target, const Config& config, FileOps& ops);
Result<std::unique_ptr<Target>> make_rsync_target(const TargetConfig& target, const Config& config);
Result<std::unique_ptr<Target>> make_s3_target(const TargetConfig& target);
Result<std::unique_ptr<Target>> make_sftp_target(const TargetConfig& target, const Config& config);
Result<std::unique_ptr<Target>> make_xnat_target(const TargetConfig& target);

}  // namespace quicksilver
