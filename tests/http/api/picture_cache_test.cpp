#include "http/api/picture_cache.hpp"

#include "support/catch.hpp"

using namespace quicksilver::api;

TEST_CASE("The cache keeps what was used last, within its size", "[http][api][pictures]") {
    PictureCache cache(3000);
    const auto picture = std::make_shared<const std::string>(500, 'x');
    for (const char* key : {"a", "b", "c", "d"}) cache.add(key, picture);
    CHECK(cache.find("a"));
    cache.add("e", picture);
    CHECK(cache.find("a"));
    CHECK_FALSE(cache.find("b"));
    CHECK(cache.bytes() <= 3000);
    cache.add("large", std::make_shared<const std::string>(10'000, 'x'));
    CHECK(cache.bytes() <= 3000);
}

TEST_CASE("That there is no picture is remembered too", "[http][api][pictures]") {
    PictureCache cache(3000);
    CHECK_FALSE(cache.find("a"));
    cache.add("a", std::make_shared<const std::string>());
    REQUIRE(cache.find("a"));
    CHECK(cache.find("a")->empty());
}
