#include "http/api/running_operations.hpp"

#include "http/api/api_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;

TEST_CASE("An operation is shown to who began it and to nobody else", "[http][api][operations]") {
    ApiFixture api;
    TargetStatus pacs;
    pacs.name = "pacs";
    api.status.status.targets = {pacs};
    const auto anna = api.full_token(Role::operate, false);
    const auto begun = api.call("POST", "/targets/pacs/test", nullptr, {anna});
    CHECK(begun.status == 202);
    CHECK(api.end_of(begun, anna).at("state") == "done");
    const std::string target = "/operations/" + begun.body.at("id").get<std::string>();
    CHECK(api.call("GET", target, nullptr, {api.full_token(Role::admin, true)}).status == 404);
    CHECK(api.call("DELETE", target, nullptr, {anna}).status == 409);
    CHECK(api.call("DELETE", "/operations/0", nullptr, {anna}).status == 404);
}
