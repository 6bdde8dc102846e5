#include "quicksilver/core/config.hpp"

#include "support/catch.hpp"

using namespace quicksilver;

TEST_CASE("An object is found by its name, or else by one that it had before", "[config]") {
    Config config;
    for (const char* name : {"archive", "web"}) {
        TargetConfig target;
        target.name = name;
        config.targets.push_back(target);
    }
    CHECK(config.find_target("pacs") == nullptr);
    config.document = nlohmann::ordered_json::parse(
        R"({"former_names": {"targets": {"pacs": "archive", "web": "archive", "lost": "gone", "odd": 5}}})");
    REQUIRE(config.find_target("pacs") != nullptr);
    CHECK(config.find_target("pacs")->name == "archive");
    CHECK(config.find_target("web")->name == "web");
    for (const char* name : {"lost", "odd", "none"}) CHECK(config.find_target(name) == nullptr);
    CHECK(config.find_rule("pacs") == nullptr);
}
