#include "quicksilver/pipeline/targets/commitment_reports.hpp"
#include "quicksilver/pipeline/targets/target.hpp"

#include "support/catch.hpp"
#include "support/failing_file_ops.hpp"

using namespace quicksilver;

TEST_CASE("A kind of target that this version cannot deliver to is named in the error", "[pipeline][targets]") {
    test::FailingFileOps ops;
    CommitmentReports reports;
    TargetRegistry registry;
    register_builtin_targets(registry, ops, reports);
    TargetConfig config;
    config.name = "cloud";
    config.type = "carrier pigeon";
    const auto made = registry.make(config, Config{});
    REQUIRE_FALSE(made.ok());
    CHECK(made.error().code == Errc::not_found);
    CHECK(made.error().message.find("cloud") != std::string::npos);
    CHECK(made.error().message.find("carrier pigeon") != std::string::npos);
}

TEST_CASE("A target whose settings do not suffice is refused when it is made or sent to", "[pipeline][targets]") {
    test::FailingFileOps ops;
    CommitmentReports reports;
    TargetRegistry registry;
    register_builtin_targets(registry, ops, reports);
    TargetConfig folder;
    folder.name = "archive";
    folder.type = "folder";
    folder.settings = nlohmann::json::object();
    CHECK_FALSE(registry.make(folder, Config{}).ok());

    TargetConfig dicom;
    dicom.name = "pacs";
    dicom.type = "dicom";
    dicom.settings = {{"ip", ""}};
    const auto made = registry.make(dicom, Config{});
    REQUIRE(made.ok());
    const StopFlag stop{false};
    TargetTest run(TargetTest::Depth::full, stop);
    (*made)->test(run);
    REQUIRE_FALSE(run.ok());
    CHECK(run.summary().find("`ip`") != std::string::npos);
}
