#include "http/api/api_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;

TEST_CASE("What a person should look at is one list", "[http][api][attention]") {
    ApiFixture api;
    const auto viewer = api.full_token(Role::viewer, false);
    const auto items = [&] { return api.call("GET", "/attention", nullptr, {viewer}).body.at("items"); };
    CHECK(items().empty());
    api.status.ready = {false, {"stopping"}};
    TargetStatus pacs;
    pacs.name = "pacs";
    pacs.last_error = "refused";
    api.status.status.targets = {pacs};
    api.status.status.storage = {1000, 10, 50, {}};
    write_file(api.sources.file, "{ broken");
    CHECK_FALSE(api.config->reload().ok);
    std::string ids;
    for (const auto& item : items()) ids += item.at("id").get<std::string>() + "; ";
    CHECK(ids == "not_ready; configuration; storage; target pacs; ");
    CHECK(api.call("GET", "/storage", nullptr, {viewer}).body.at("free_bytes") == 10);
}
