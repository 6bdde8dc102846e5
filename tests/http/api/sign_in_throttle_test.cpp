#include "http/api/sign_in_throttle.hpp"

#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::api;
using namespace std::chrono_literals;

namespace {

const SteadyTime start{std::chrono::hours(1000)};

}  // namespace

TEST_CASE("Each failure beyond the fifth doubles the wait, up to five minutes", "[http][api][throttle]") {
    SignInThrottle throttle;
    SteadyTime now = start;
    const std::vector<std::chrono::seconds> waits = {0s, 0s,  0s,  0s,  0s,   1s,   2s,   4s,
                                                     8s, 16s, 32s, 64s, 128s, 256s, 300s, 300s};
    for (const auto expected : waits) {
        const auto wait = throttle.try_now("anna", "10.0.0.1", now);
        CHECK(wait == expected);
        now += wait + 3s;  // an address has one more try every three seconds
        if (wait > 0ms) CHECK(throttle.try_now("anna", "10.0.0.1", now) == 0ms);
        throttle.failed("Anna", "10.0.0.1", now);
    }
    throttle.succeeded("ANNA", "10.0.0.1");
    CHECK(throttle.try_now("anna", "10.0.0.1", now) == 0ms);
}

TEST_CASE("Who guesses at an account does not keep its owner out", "[http][api][throttle]") {
    SignInThrottle throttle;
    for (int i = 0; i < 50; ++i) throttle.failed("anna", "6.6.6.6", start);
    CHECK(throttle.try_now("anna", "6.6.6.6", start) > 0ms);
    CHECK(throttle.try_now("anna", "10.0.0.1", start) == 0ms);
    throttle.forgive("Anna");
    CHECK(throttle.try_now("anna", "6.6.6.6", start) == 0ms);
}

TEST_CASE("The failures of one account do not slow down another", "[http][api][throttle]") {
    SignInThrottle throttle;
    for (int i = 0; i < 9; ++i) throttle.failed("anna", "10.0.0.1", start);
    CHECK(throttle.try_now("anna", "10.0.0.1", start) > 0ms);
    CHECK(throttle.try_now("berta", "10.0.0.1", start) == 0ms);
}

TEST_CASE("One address has twenty tries a minute, whatever names it takes", "[http][api][throttle]") {
    SignInThrottle throttle;
    for (int i = 0; i < 20; ++i) CHECK(throttle.try_now(std::to_string(i), "10.0.0.1", start) == 0ms);
    CHECK(throttle.try_now("next", "10.0.0.1", start) == 3s);
    CHECK(throttle.try_now("next", "10.0.0.2", start) == 0ms);
    CHECK(throttle.try_now("next", "10.0.0.1", start + 3s) == 0ms);
}

TEST_CASE("Ever new addresses meet the limit of all together", "[http][api][throttle]") {
    SignInThrottle throttle;
    int passed = 0;
    for (int i = 0; i < 1000; ++i) passed += throttle.try_now("x", std::to_string(i), start) == 0ms ? 1 : 0;
    CHECK(passed == 30);
    passed = 0;
    for (int i = 1000; i < 2000; ++i) {
        passed += throttle.try_now(std::to_string(i), std::to_string(i), start) == 0ms ? 1 : 0;
    }
    CHECK(passed == 170);
}

TEST_CASE("An attack on one account from many addresses is slow, and not its owner at their usual place",
          "[http][api][throttle]") {
    SignInThrottle throttle;
    throttle.succeeded("anna", "10.0.0.1");
    int passed = 0;
    for (int minute = 0; minute < 60; ++minute) {
        for (int i = 0; i < 50; ++i) {
            const std::string address = std::to_string(minute * 50 + i);
            if (throttle.try_now("Anna", address, start + std::chrono::minutes(minute)) > 0ms) continue;
            throttle.failed("Anna", address, start + std::chrono::minutes(minute));
            ++passed;
        }
    }
    CHECK(passed == 30 + 59 * 6);
    CHECK(throttle.try_now("anna", "10.0.0.1", start + 59min) == 0ms);
    // Whose address is known for another account is as strange here as anybody.
    throttle.succeeded("berta", "10.0.0.2");
    CHECK(throttle.try_now("anna", "10.0.0.2", start + 59min) > 0ms);
    CHECK(throttle.try_now("berta", "10.0.0.2", start + 59min) == 0ms);
    throttle.forgive("ANNA");
    CHECK(throttle.try_now("anna", "10.0.0.2", start + 59min) == 0ms);
}

TEST_CASE("Wrong codes of all addresses count together, besides those of the owner's usual place",
          "[http][api][throttle]") {
    SignInThrottle throttle;
    throttle.succeeded("anna", "10.0.0.1");
    for (int i = 0; i < 5; ++i) {
        CHECK(throttle.try_code_now("anna", std::to_string(i), start) == 0ms);
        throttle.code_failed("anna", std::to_string(i), start);
    }
    CHECK(throttle.try_code_now("Anna", "new", start) == 1s);
    CHECK(throttle.try_code_now("anna", "10.0.0.1", start) == 0ms);
    CHECK(throttle.try_code_now("anna", "new", start + 1s) == 0ms);
    CHECK(throttle.try_code_now("anna", "newer", start + 1s) == 1s);  // at the same time
    throttle.code_failed("anna", "new", start + 1s);
    CHECK(throttle.try_code_now("anna", "new", start + 2s) == 1s);
    CHECK(throttle.try_code_now("berta", "new", start) == 0ms);
    // A code that failed is a failed try of that address, too.
    for (int i = 0; i < 5; ++i) throttle.code_failed("carla", "10.0.0.9", start);
    CHECK(throttle.try_now("carla", "10.0.0.9", start) == 1s);
    throttle.succeeded("anna", "new");
    CHECK(throttle.try_code_now("anna", "newer", start + 2s) == 0ms);
}

TEST_CASE("An address from which somebody signed in has nothing to do with the others' guessing",
          "[http][api][throttle]") {
    SignInThrottle throttle;
    throttle.succeeded("anna", "10.0.0.1");
    for (int i = 0; i < 1000; ++i) throttle.try_now(std::to_string(i), std::to_string(i), start);
    CHECK(throttle.try_now("x", "10.0.0.2", start) > 0ms);
    CHECK(throttle.try_now("anna", "10.0.0.1", start) == 0ms);
}

TEST_CASE("Many tries at the same time are not one try", "[http][api][throttle]") {
    SignInThrottle throttle;
    for (int i = 0; i < 5; ++i) throttle.failed("anna", "10.0.0.1", start);
    CHECK(throttle.try_now("anna", "10.0.0.1", start + 1s) == 0ms);
    CHECK(throttle.try_now("anna", "10.0.0.1", start + 1s) == 1s);
}

TEST_CASE("A client does not get further by the many addresses of IPv6", "[http][api][throttle]") {
    SignInThrottle throttle;
    for (int i = 0; i < 20; ++i) {
        CHECK(throttle.try_now(std::to_string(i), "2001:db8:1:2::" + std::to_string(i), start) == 0ms);
    }
    CHECK(throttle.try_now("next", "2001:db8:1:2:ffff::1", start) == 3s);
    CHECK(throttle.try_now("next", "2001:db8:1:3::1", start) == 0ms);
    for (int i = 0; i < 5; ++i) throttle.failed("anna", "2001:db8:1:4::1", start);
    CHECK(throttle.try_now("anna", "2001:db8:1:4::2", start) == 1s);
}
