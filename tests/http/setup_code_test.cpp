#include "quicksilver/http/setup_code.hpp"

#include "support/catch.hpp"

#include <vector>

using namespace quicksilver;
using namespace std::chrono_literals;

namespace {

const SteadyTime start{std::chrono::hours(1000)};

}  // namespace

TEST_CASE("A setup code may be typed in any case and without its hyphens", "[http][setup]") {
    std::string code;
    SetupCode setup([&](const std::string& made) { code = made; });
    setup.refresh(start);
    REQUIRE(code.size() == 14);
    std::string typed;
    for (const char c : code) {
        if (c != '-') typed += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    }
    CHECK(setup.matches(typed, start));
    CHECK(setup.matches(code, start));
    CHECK_FALSE(setup.matches("", start));
    CHECK_FALSE(setup.matches(code + "X", start));
}

TEST_CASE("A setup code counts for half an hour", "[http][setup]") {
    std::vector<std::string> codes;
    SetupCode setup([&](const std::string& made) { codes.push_back(made); });
    setup.refresh(start);
    setup.refresh(start + 29min);
    CHECK(codes.size() == 1);
    const std::string first = codes[0];
    CHECK_FALSE(setup.matches(first, start + 30min));
    REQUIRE(codes.size() == 2);
    CHECK(first != codes[1]);
    CHECK(setup.matches(codes[1], start + 31min));
}

TEST_CASE("Wrong codes are counted, right ones are not", "[http][setup]") {
    std::vector<std::string> codes;
    SetupCode setup([&](const std::string& made) { codes.push_back(made); });
    setup.refresh(start);
    const std::string first = codes[0];
    for (int i = 0; i < 10; ++i) CHECK(setup.matches(first, start));
    for (int i = 0; i < SetupCode::tries_max; ++i) CHECK_FALSE(setup.matches("wrong", start));
    CHECK_FALSE(setup.matches(first, start));
    CHECK(codes.size() == 2);
}
