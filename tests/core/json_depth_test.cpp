#include "quicksilver/core/json_depth.hpp"

#include "support/catch.hpp"

#include <string>

using quicksilver::json_depth;

TEST_CASE("The depth of a JSON text is that of its deepest array or object", "[core][json]") {
    CHECK(json_depth("") == 0);
    CHECK(json_depth("17") == 0);
    CHECK(json_depth("[]") == 1);
    CHECK(json_depth(R"({"a": [1, {"b": 2}], "c": [[]]})") == 3);
    CHECK(json_depth(std::string(100'000, '[')) == 100'000);
}

TEST_CASE("Brackets within texts do not count", "[core][json]") {
    CHECK(json_depth(R"(["[[[", "\"[[", "\\"])") == 1);
    CHECK(json_depth(R"("{[")") == 0);
}

TEST_CASE("What is no JSON has some depth and does no harm", "[core][json]") {
    CHECK(json_depth("]]]]") == 0);
    CHECK(json_depth("]]]][") == 1);
    CHECK(json_depth("\"\\") == 0);
}
