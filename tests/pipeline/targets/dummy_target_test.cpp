#include "quicksilver/pipeline/targets/commitment_reports.hpp"
#include "quicksilver/pipeline/targets/target.hpp"

#include "support/catch.hpp"
#include "support/failing_file_ops.hpp"

using namespace quicksilver;

TEST_CASE("A dummy takes everything, but only where somebody asked for it", "[pipeline][targets]") {
    test::FailingFileOps ops;
    CommitmentReports reports;
    TargetRegistry registry;
    register_builtin_targets(registry, ops, reports);
    TargetConfig target;
    target.name = "nowhere";
    target.type = "dummy";
    Config config;
    const auto refused = registry.make(target, config);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message.find("features.dummy_target") != std::string::npos);

    config.document = {{"features", {{"dummy_target", true}}}};
    const auto made = registry.make(target, config);
    REQUIRE(made.ok());
    Delivery delivery;
    delivery.instances = {"/t/a.dcm", "/t/b.dcm"};
    delivery.confirmed = {"a.dcm"};
    std::vector<std::string> seen;
    const StopFlag stop{false};
    const auto sent = (*made)->send(
        delivery, [&](const std::string& file, std::uint16_t) { seen.push_back(file); }, stop);
    REQUIRE(sent.ok());
    CHECK(seen == std::vector<std::string>({"b.dcm"}));
}
