#include "quicksilver/pipeline/targets/target.hpp"

#include "builtin_targets.hpp"

#include <fmt/format.h>

namespace quicksilver {

void TargetRegistry::add(std::string type, Make make) {
    kinds_[std::move(type)] = std::move(make);
}

Result<std::unique_ptr<Target>> TargetRegistry::make(const TargetConfig& target, const Config& config) const {
    const auto kind = kinds_.find(target.type);
    if (kind == kinds_.end()) {
        return Error{Errc::not_found, fmt::format("target {}: this version cannot deliver to targets of type '{}'",
                                                  target.name, target.type)};
    }
    return kind->second(target, config);
}

void register_builtin_targets(TargetRegistry& registry, FileOps& ops, CommitmentReports& reports) {
    const auto dicom = [&reports](const TargetConfig& target, const Config& config) {
        return make_dicom_target(target, config, reports);
    };
    registry.add("dicom", dicom);
    registry.add("dicomtls", dicom);
    registry.add("dicomweb",
                 [&ops](const TargetConfig& target, const Config&) { return make_dicomweb_target(target, ops); });
    registry.add("dummy", make_dummy_target);
    registry.add("folder", [&ops](const TargetConfig& target, const Config& config) {
        return make_folder_target(target, config, ops);
    });
    registry.add("rsync", make_rsync_target);
    registry.add("s3", [](const TargetConfig& target, const Config&) { return make_s3_target(target); });
    registry.add("sftp", make_sftp_target);
    registry.add("xnat", [](const TargetConfig& target, const Config&) { return make_xnat_target(target); });
}

}  // namespace quicksilver
