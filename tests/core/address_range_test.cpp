#include "quicksilver/core/address_range.hpp"

#include "support/catch.hpp"

using namespace quicksilver;

TEST_CASE("A network contains its addresses and no others", "[core][address]") {
    struct Case {
        const char* range;
        const char* address;
        bool contains;
    };
    const Case cases[] = {
        {"10.0.0.1", "10.0.0.1", true},
        {"10.0.0.1", "10.0.0.2", false},
        {"10.0.0.1", "::ffff:10.0.0.1", true},
        {"::ffff:10.0.0.1", "10.0.0.1", true},
        {"10.0.0.0/8", "10.255.1.2", true},
        {"10.0.0.0/8", "11.0.0.1", false},
        {"10.1.2.3/8", "10.9.9.9", true},
        {"192.168.1.128/25", "192.168.1.127", false},
        {"192.168.1.128/25", "192.168.1.200", true},
        {"0.0.0.0/0", "8.8.8.8", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "8.8.8.8", false},
        {"2001:db8::/32", "2001:db8:1::1", true},
        {"2001:db8::/32", "2001:db9::1", false},
        {"::1", "::1", true},
        {"::1", "127.0.0.1", false},
        {"10.0.0.0/8", "", false},
        {"10.0.0.0/8", "10.0.0.1, 10.0.0.2", false},
        {"10.0.0.0/8", "proxy", false},
    };
    for (const Case& one : cases) {
        INFO(one.range << " and " << one.address);
        const auto range = AddressRange::parse(one.range);
        REQUIRE(range);
        CHECK(range->contains(one.address) == one.contains);
    }
}

TEST_CASE("What is no address or network is none", "[core][address]") {
    for (const char* text : {"", "/8", "10.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "::/129",
                             "10.0.0.0/8/8", "localhost", "10.0.0.1:80", "[::1]", " 10.0.0.1", "256.0.0.1"}) {
        INFO(text);
        CHECK_FALSE(AddressRange::parse(text));
    }
}

TEST_CASE("An address is written in one way", "[core][address]") {
    CHECK(plain_address("::FFFF:10.0.0.1") == "10.0.0.1");
    CHECK(plain_address("2001:DB8:0::1") == "2001:db8::1");
    CHECK_FALSE(plain_address("10.0.0.1 "));
    CHECK_FALSE(plain_address(std::string("10.0.0.1\0", 9)));
}

TEST_CASE("All addresses that one machine may give itself are one client", "[core][address]") {
    CHECK(client_of_address("2001:db8:1:2:3:4:5:6") == client_of_address("2001:db8:1:2::9"));
    CHECK(client_of_address("2001:db8:1:2::9") != client_of_address("2001:db8:1:3::9"));
    CHECK(client_of_address("10.0.0.1") == "10.0.0.1");
    CHECK(client_of_address("::ffff:10.0.0.1") == "10.0.0.1");
    CHECK(client_of_address("") == "");
}
