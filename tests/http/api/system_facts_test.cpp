#include "http/api/system_facts.hpp"

#include "support/catch.hpp"

using namespace quicksilver;

TEST_CASE("The system tells what a client may need to know of it", "[http][api][system]") {
    Config config;
    config.bookkeeper_api_key = "key";
    const auto facts = api::system_facts(config, WallTime());
    CHECK(facts.at("time_zone").at("name").is_string());
    CHECK(facts.at("time_zone").at("offset_s").is_number());
    CHECK(facts.at("features").at("bookkeeper") == true);
    CHECK(facts.at("features").at("https") == false);
    CHECK(facts.at("limits").at("body_bytes") == 1024 * 1024);
    CHECK(facts.at("licences").size() > 10);
    CHECK(facts.dump().find("key") == std::string::npos);
}
