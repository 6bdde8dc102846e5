#include "http/api/module_runtimes.hpp"

#include "http/api/api_fixture.hpp"
#include "support/catch.hpp"

#include <regex>
#include <set>

using namespace quicksilver;
using namespace quicksilver::test;
using nlohmann::json;

namespace {

/// What a step asks its settings for, by its source.
std::set<std::string> settings_in(const std::string& file) {
    static const std::regex asked(R"(settings(?:\.\w+\(|, )\"([a-z_]+)\")");
    const std::string text = read_file(QUICKSILVER_SOURCE_FOLDER "/src/pipeline/runners/" + file);
    std::set<std::string> names;
    for (std::sregex_iterator found(text.begin(), text.end(), asked), end; found != end; ++found) {
        names.insert((*found)[1]);
    }
    return names;
}

std::set<std::string> names_of(const json& object) {
    std::set<std::string> names;
    for (const auto& [name, value] : object.items()) names.insert(name);
    return names;
}

}  // namespace

TEST_CASE("The settings that are told of a step are those that it reads", "[http][api][modules]") {
    for (const json& runtime : api::module_runtimes()) {
        const json& schema = runtime.at("settings_schema");
        if (runtime.at("runtime") == "deidentify") {
            CHECK(names_of(schema.at("properties")) == settings_in("deidentify_settings.cpp"));
        }
        if (runtime.at("runtime") == "edit-tags") {
            std::set<std::string> names = names_of(schema.at("properties"));
            for (const json& kind : schema.at("properties").at("edits").at("items").at("anyOf")) {
                names.merge(names_of(kind.at("properties")));
            }
            CHECK(names == settings_in("tag_edits.cpp"));
        }
    }
}

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
