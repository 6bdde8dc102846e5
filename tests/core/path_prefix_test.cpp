#include "quicksilver/core/path_prefix.hpp"

#include "support/catch.hpp"

using namespace quicksilver;

TEST_CASE("A prefix is a plain path", "[core][prefix]") {
    CHECK(parse_path_prefix("/quicksilver") == "/quicksilver");
    CHECK(parse_path_prefix("/a/b-c_d.e~f/") == "/a/b-c_d.e~f");
    CHECK(parse_path_prefix("/") == "");
    CHECK(parse_path_prefix("") == "");
}

TEST_CASE("What could lead elsewhere is no prefix", "[core][prefix]") {
    for (const std::string& text :
         {std::string("quicksilver"), std::string("//evil.example"), std::string("/a//b"), std::string("/a//"),
          std::string("/.."), std::string("/a/../b"), std::string("/a/."), std::string("/a b"), std::string("/a\"b"),
          std::string("/<b>"), std::string("/a%2f"), std::string("/a?b"), std::string("/a;b"), std::string("/\\evil"),
          "/" + std::string(300, 'a')}) {
        INFO(text);
        CHECK_FALSE(parse_path_prefix(text));
    }
}
