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

void register_builtin_targets(TargetRegistry& registry, FileOps& ops) {
    registry.add("dicom", make_dicom_target);
    registry.add("folder", [&ops](const TargetConfig& target, const Config& config) {
        return make_folder_target(target, config, ops);
    });
}

}  // namespace quicksilver
