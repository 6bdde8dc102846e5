#include "http/api/module_runtimes.hpp"

#include "http/api/api_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;
using nlohmann::json;

TEST_CASE("Each runtime tells the settings that count for its modules", "[http][api][modules]") {
    ApiFixture api;
    const auto viewer = api.full_token(Role::viewer, false);
    const json answer = api.call("GET", "/module-runtimes", nullptr, {viewer}).body;
    std::map<std::string, json> runtimes;
    for (const json& one : answer.at("items")) runtimes[one.at("runtime")] = one;
    REQUIRE(runtimes.size() == 3);
    const json& docker = runtimes.at("docker").at("schema").at("properties");
    CHECK(docker.contains("docker_tag"));
    CHECK(docker.at("timeout").at("x-unit") == "s");
    CHECK_FALSE(docker.contains("constraints"));
    const json& step = runtimes.at("deidentify").at("schema");
    CHECK_FALSE(step.at("properties").contains("docker_tag"));
    CHECK(step.at("properties").at("runner").at("const") == "deidentify");
    CHECK(step.at("required") == json{"runner"});
    const json& edits = runtimes.at("edit-tags").at("settings_schema").at("properties").at("edits");
    CHECK(edits.at("items").at("anyOf").size() == 4);
    CHECK(runtimes.at("docker").at("needs_engine") == true);
    CHECK(runtimes.at("edit-tags").at("needs_engine") == false);
}
