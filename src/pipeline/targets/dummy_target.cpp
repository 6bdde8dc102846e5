#include "builtin_targets.hpp"

#include <fmt/format.h>

namespace quicksilver {

namespace {

/// Takes everything and does nothing, for trying out rules. Only where somebody asked for it (`features.dummy_target`):
/// a delivery that never happened must not look like one.
class DummyTarget final : public Target {
public:
    Result<Receipt> send(const Delivery& delivery, const Progress& progress, const StopFlag&) override {
        Receipt receipt;
        for (const std::filesystem::path& file : delivery.instances) {
            const std::string name = file.filename();
            if (delivery.confirmed.contains(name)) continue;
            ++receipt.instances;
            progress(name, 0);
        }
        return receipt;
    }

    void test(TargetTest& test) override {
        const auto nothing = [] { return std::string("takes everything and delivers nothing"); };
        test.step("write", nothing);
    }
};

bool is_enabled(const Config& config) {
    const auto features = config.document.find("features");
    if (features == config.document.end() || !features->is_object()) return false;
    const auto enabled = features->find("dummy_target");
    return enabled != features->end() && enabled->is_boolean() && enabled->get<bool>();
}

}  // namespace

Result<std::unique_ptr<Target>> make_dummy_target(const TargetConfig& target, const Config& config) {
    if (is_enabled(config)) return std::unique_ptr<Target>(std::make_unique<DummyTarget>());
    return Error{Errc::invalid, fmt::format("target {} is a dummy, which would deliver nothing and report success; set "
                                            "features.dummy_target to true if that is meant",
                                            target.name)};
}

}  // namespace quicksilver
