#include "pipeline/runners/registry_auth.hpp"

#include "support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace quicksilver;
using Json = nlohmann::json;

TEST_CASE("Passwords of registries are those of docker login", "[pipeline][runners]") {
    const Json config = Json::parse(R"({"auths": {
        "https://index.docker.io/v1/": {"auth": "bWU6c2VjcmV0"},
        "reg.example:5000": {"auth": "YTpiOmM="},
        "token.example": {"identitytoken": "t"},
        "broken.example": {"auth": "%%%"},
        "helper.example": {}}})");
    // {"password":"secret","serveraddress":"https://index.docker.io/v1/","username":"me"}
    CHECK(registry_auth(config, "docker.io") ==
          "eyJwYXNzd29yZCI6InNlY3JldCIsInNlcnZlcmFkZHJlc3MiOiJodHRwczovL2luZGV4LmRvY2tlci5pby92MS8iLCJ1c2VybmFtZSI6Im1l"
          "In0=");
    // {"password":"b:c","serveraddress":"reg.example:5000","username":"a"}
    CHECK(registry_auth(config, "reg.example:5000") ==
          "eyJwYXNzd29yZCI6ImI6YyIsInNlcnZlcmFkZHJlc3MiOiJyZWcuZXhhbXBsZTo1MDAwIiwidXNlcm5hbWUiOiJhIn0=");
    CHECK_FALSE(registry_auth(config, "token.example").empty());
    for (const char* registry : {"broken.example", "helper.example", "other.example"}) {
        CAPTURE(registry);
        CHECK(registry_auth(config, registry).empty());
    }
    CHECK(registry_auth(Json(), "docker.io").empty());
    CHECK(registry_auth(Json::parse("[]"), "docker.io").empty());
}
