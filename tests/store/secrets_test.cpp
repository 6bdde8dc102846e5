#include "quicksilver/store/secrets.hpp"

#include "support/catch.hpp"

using namespace quicksilver::secrets;

namespace {

constexpr HashCost cheap{8192, 1};

}  // namespace

TEST_CASE("A password matches its hash and nothing else does", "[store][secrets]") {
    const std::string hash = hash_password("correct horse", cheap);
    CHECK(hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
    CHECK(verify_password(hash, "correct horse"));
    CHECK_FALSE(verify_password(hash, "correct horse "));
    CHECK_FALSE(verify_password(hash, ""));
    CHECK(hash != hash_password("correct horse", cheap));
    CHECK_FALSE(verify_password("", ""));
    CHECK_FALSE(verify_password("plain", "plain"));
    CHECK_FALSE(verify_password("$argon2id$broken", "x"));
    CHECK_FALSE(verify_password(hash_of_nobody(), ""));
}

TEST_CASE("Argon2 hashes with several lanes, as mercure's library makes them, are understood", "[store][secrets]") {
    // Of "password", by the reference implementation's test (argon2i, p=1) and of its argon2id (p=2) one.
    CHECK(verify_password("$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA",
                          "password"));
    CHECK(verify_password("$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
                          "password"));
}

TEST_CASE("A hash of other parameters is made anew", "[store][secrets]") {
    const std::string hash = hash_password("correct horse", cheap);
    CHECK_FALSE(needs_rehash(hash, cheap));
    CHECK(needs_rehash(hash, HashCost{8192, 2}));
    CHECK(needs_rehash("nonsense", cheap));
}

TEST_CASE("Digests and signatures are the standard ones", "[store][secrets]") {
    CHECK(digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    // RFC 4231, test case 2.
    std::string mac;
    REQUIRE(from_base64url(signature("Jefe", "what do ya want for nothing?"), mac));
    CHECK(to_base64url(mac.substr(0, 4)) == to_base64url("\x5b\xdc\xc1\x46"));
    CHECK(equal("abc", "abc"));
    CHECK_FALSE(equal("abc", "abd"));
    CHECK_FALSE(equal("abc", "ab"));
}

TEST_CASE("Random texts are long, harmless in a cookie, and never the same", "[store][secrets]") {
    CHECK(random_text().size() == 43);
    CHECK(random_text() != random_text());
    CHECK(random_text(300).find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
          std::string::npos);
    std::string bytes;
    CHECK_FALSE(from_base64url("a b", bytes));
    CHECK_FALSE(from_base64url("=", bytes));
}
