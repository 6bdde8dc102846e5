#include "quicksilver/core/percent_encoding.hpp"

#include "support/catch.hpp"

using namespace quicksilver;

TEST_CASE("All but unreserved characters is encoded", "[core]") {
    CHECK(percent_encode("aZ09-._~") == "aZ09-._~");
    CHECK(percent_encode("a/b c%") == "a%2Fb%20c%25");
    CHECK(percent_encode("\xC3\xA4\n") == "%C3%A4%0A");
    CHECK(percent_encode("").empty());
}
