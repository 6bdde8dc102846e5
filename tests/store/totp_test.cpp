#include "quicksilver/store/totp.hpp"

#include "support/catch.hpp"

using namespace quicksilver;
using namespace std::chrono_literals;

namespace {

const std::string rfc_secret = "12345678901234567890";

WallTime at(std::int64_t seconds) {
    return WallTime(std::chrono::seconds(seconds));
}

}  // namespace

TEST_CASE("Codes are those of RFC 6238", "[store][totp]") {
    // Appendix B, the rows of SHA-1.
    const std::vector<std::pair<std::int64_t, std::string>> vectors = {{59, "94287082"},
                                                                       {1'111'111'109, "07081804"},
                                                                       {1'111'111'111, "14050471"},
                                                                       {1'234'567'890, "89005924"},
                                                                       {2'000'000'000, "69279037"},
                                                                       {20'000'000'000, "65353130"}};
    for (const auto& [seconds, code] : vectors) {
        CHECK(totp::code(rfc_secret, static_cast<std::uint64_t>(seconds / 30), 8) == code);
        CHECK(totp::code(rfc_secret, static_cast<std::uint64_t>(seconds / 30)) == code.substr(2));
    }
}

TEST_CASE("Codes by counter are those of RFC 4226", "[store][totp]") {
    // Appendix D.
    const std::vector<std::string> codes = {"755224", "287082", "359152", "969429", "338314",
                                            "254676", "287922", "162583", "399871", "520489"};
    for (std::size_t i = 0; i < codes.size(); ++i) CHECK(totp::code(rfc_secret, i) == codes[i]);
}

TEST_CASE("A clock may be one step early or late, and no more", "[store][totp]") {
    const WallTime now = at(1'790'000'010);
    const std::int64_t present = 1'790'000'010 / 30;
    for (const int off : {-2, -1, 0, 1, 2}) {
        const std::string code = totp::code(rfc_secret, static_cast<std::uint64_t>(present + off));
        const auto step = totp::matching_step(rfc_secret, code, now, 0);
        CHECK(step.has_value() == (off >= -1 && off <= 1));
        if (step) CHECK(*step == present + off);
    }
    for (const char* wrong : {"", "12345", "1234567", "abcdef"}) {
        CHECK_FALSE(totp::matching_step(rfc_secret, wrong, now, 0));
    }
}

TEST_CASE("A step that was used, and those before it, count no more", "[store][totp]") {
    const WallTime now = at(1'790'000'010);
    const std::int64_t present = 1'790'000'010 / 30;
    const auto code = [&](int off) { return totp::code(rfc_secret, static_cast<std::uint64_t>(present + off)); };
    CHECK_FALSE(totp::matching_step(rfc_secret, code(0), now, present));
    CHECK_FALSE(totp::matching_step(rfc_secret, code(-1), now, present));
    CHECK(totp::matching_step(rfc_secret, code(1), now, present) == present + 1);
}

TEST_CASE("Secrets are written in base32", "[store][totp]") {
    // RFC 4648 §10, without the padding.
    const std::vector<std::pair<std::string, std::string>> vectors = {{"", ""},
                                                                      {"f", "MY"},
                                                                      {"fo", "MZXQ"},
                                                                      {"foo", "MZXW6"},
                                                                      {"foob", "MZXW6YQ"},
                                                                      {"fooba", "MZXW6YTB"},
                                                                      {"foobar", "MZXW6YTBOI"}};
    for (const auto& [bytes, text] : vectors) {
        CHECK(totp::to_base32(bytes) == text);
        CHECK(totp::from_base32(text) == bytes);
    }
    CHECK_FALSE(totp::from_base32("MZXW1"));
}

TEST_CASE("An app is told everything in one address", "[store][totp]") {
    CHECK(totp::otpauth_uri("Quicksilver CT", "jürgen@x", "MZXW6") ==
          "otpauth://totp/Quicksilver%20CT:j%C3%BCrgen%40x?secret=MZXW6&issuer=Quicksilver%20CT&algorithm=SHA1&"
          "digits=6&period=30");
}
