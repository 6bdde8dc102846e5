#include "http/api/problem_pages.hpp"

#include "http/api/api_fixture.hpp"
#include "support/catch.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <regex>
#include <set>

using namespace quicksilver;
using namespace quicksilver::test;
using nlohmann::json;

namespace {

HttpAnswer get(ApiFixture& api, const std::string& path) {
    return HttpClient(api.port()).exchange(fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", path));
}

/// Of all problems in the source text.
std::set<std::string> codes_in_source() {
    static const std::regex code(
        R"((?:ProblemError\(\s*\d+,|make_problem\(\s*\w+,\s*\d+,|conflict\(|refusal\.code =)\s*\"([a-z_]+)\")");
    std::set<std::string> codes;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(QUICKSILVER_SOURCE_FOLDER "/src")) {
        if (entry.path().extension() != ".cpp") continue;
        const std::string text = read_file(entry.path());
        for (std::sregex_iterator found(text.begin(), text.end(), code), end; found != end; ++found) {
            codes.insert((*found)[1]);
        }
    }
    return codes;
}

}  // namespace

TEST_CASE("Each code of a problem has a page that explains it", "[http][api][problems]") {
    ApiFixture api;
    const auto problem = api.call("GET", "/me");
    const auto page = get(api, problem.body.at("type"));
    CHECK(page.status == 200);
    CHECK(page.body.find("Sign in") != std::string::npos);
    CHECK(get(api, "/problems/nothing").status == 404);
    const auto codes = codes_in_source();
    CHECK(codes.size() > 40);
    for (const std::string& code : codes) {
        INFO(code);
        CHECK_FALSE(api::problem_help(code).empty());
    }
}

TEST_CASE("Each schema of the description stands at an address of its own", "[http][api][openapi]") {
    ApiFixture api;
    const json document = api.call("GET", "/openapi.json").body;
    for (const auto& [name, schema] : document.at("components").at("schemas").items()) {
        INFO(name);
        const auto page = get(api, "/schemas/" + name);
        CHECK(page.status == 200);
        const json alone = json::parse(page.body);
        CHECK(alone.at("$defs").contains(name));
        CHECK(alone.at("$ref") == "#/$defs/" + name);
        CHECK(page.body.find("#/components") == std::string::npos);
    }
    CHECK(get(api, "/schemas/nothing").status == 404);
}
