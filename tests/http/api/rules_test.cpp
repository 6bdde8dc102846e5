#include "http/api/api_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;

TEST_CASE("The order of the rules is changed as a whole", "[http][api][config]") {
    ApiFixture api;
    const auto admin = api.full_token(Role::admin, false);
    const std::string etag = api.call("GET", "/rules", nullptr, {admin}).headers.at("etag");
    const auto put = [&](const nlohmann::json& names) {
        return api.call("PUT", "/rules/order", {{"names", names}}, {admin, {"If-Match", etag}});
    };
    CHECK(put({"mr"}).status == 422);
    CHECK(put({"mr", "mr"}).status == 422);
    CHECK(put({"mr", "ct", "x"}).status == 422);
    CHECK(put({"mr", "ct"}).status == 200);
    CHECK(api.config->snapshot()->rules[0].name == "mr");
    CHECK(put({"ct", "mr"}).status == 412);
}
