#include "quicksilver/store/second_factors.hpp"

#include "quicksilver/store/totp.hpp"

#include "store/administration_fixture.hpp"
#include "support/catch.hpp"

#include <cctype>

using namespace quicksilver;
using namespace quicksilver::test;
using namespace std::chrono_literals;

namespace {

struct FactorFixture : AdministrationFixture {
    SecondFactors factors{*administration};
    std::string anna = add("anna").id;
    std::string secret;

    std::string code(WallTime when) const {
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(when.time_since_epoch()).count();
        return totp::code(*totp::from_base32(secret), static_cast<std::uint64_t>(seconds / 30));
    }
    std::vector<std::string> switch_on() {
        secret = *factors.begin(anna, now);
        return *factors.confirm(anna, code(now), now);
    }
};

}  // namespace

TEST_CASE("A second factor counts once the app has shown the right code", "[store][second_factor]") {
    FactorFixture f;
    CHECK(f.factors.confirm(f.anna, "123456", f.now).error().code == Errc::not_found);
    f.secret = *f.factors.begin(f.anna, f.now);
    CHECK(f.secret.size() == 32);
    CHECK_FALSE(f.accounts.find(f.anna)->second_factor);
    CHECK_FALSE(f.factors.accept(f.anna, f.code(f.now), f.now));
    CHECK(f.factors.confirm(f.anna, f.code(f.now + 10min), f.now).error().code == Errc::invalid);
    const auto version = f.accounts.find(f.anna)->version;
    const auto codes = f.factors.confirm(f.anna, f.code(f.now), f.now);
    CHECK(codes->size() == 10);
    CHECK(f.accounts.find(f.anna)->second_factor);
    CHECK(f.accounts.find(f.anna)->version > version);
    CHECK(f.accounts.list()[0].second_factor);
    CHECK(f.factors.begin(f.anna, f.now).error().code == Errc::already_exists);
    CHECK(f.factors.confirm(f.anna, f.code(f.now), f.now).error().code == Errc::already_exists);
}

TEST_CASE("What was begun long ago is not confirmed any more", "[store][second_factor]") {
    FactorFixture f;
    f.secret = *f.factors.begin(f.anna, f.now);
    const WallTime later = f.now + 31min;
    CHECK(f.factors.confirm(f.anna, f.code(later), later).error().code == Errc::not_found);
}

TEST_CASE("No code is accepted twice, not even the one that switched it on", "[store][second_factor]") {
    FactorFixture f;
    f.switch_on();
    CHECK_FALSE(f.factors.accept(f.anna, f.code(f.now), f.now));
    const WallTime later = f.now + 30s;
    const std::string code = f.code(later);
    CHECK(f.factors.accept(f.anna, code.substr(0, 3) + " " + code.substr(3), later));
    CHECK_FALSE(f.factors.accept(f.anna, code, later));
    CHECK_FALSE(f.factors.accept(f.anna, "", later));
}

TEST_CASE("Each recovery code is good for one sign-in, however it is typed", "[store][second_factor]") {
    FactorFixture f;
    const auto codes = f.switch_on();
    std::string typed = codes[0].substr(0, 4) + codes[0].substr(5, 4) + codes[0].substr(10);
    for (char& c : typed) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    CHECK(f.factors.accept(f.anna, typed, f.now));
    CHECK_FALSE(f.factors.accept(f.anna, codes[0], f.now));
    CHECK(f.factors.recovery_codes_left(f.anna) == 9);
    const std::string berta = f.add("berta").id;
    CHECK_FALSE(f.factors.accept(berta, codes[1], f.now));
    CHECK(f.factors.accept(f.anna, codes[1], f.now));
}

TEST_CASE("Recovery codes are kept as digests only, and go with the factor and the user", "[store][second_factor]") {
    FactorFixture f;
    const auto codes = f.switch_on();
    auto& connection = f.administration->connection();
    CHECK(connection.number("SELECT COUNT(*) FROM recovery_codes WHERE length(digest) = 64") == 10);
    CHECK(f.factors.remove(f.anna));
    CHECK_FALSE(f.factors.remove(f.anna));
    CHECK_FALSE(f.accounts.find(f.anna)->second_factor);
    CHECK_FALSE(f.factors.accept(f.anna, codes[0], f.now));
    f.switch_on();
    REQUIRE(f.accounts.remove(f.anna).ok());
    CHECK(connection.number("SELECT COUNT(*) FROM second_factors") == 0);
    CHECK(connection.number("SELECT COUNT(*) FROM recovery_codes") == 0);
}
