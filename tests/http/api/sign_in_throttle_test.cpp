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
    int address = 0;  // a new one each time, so that its own limit does not count
    for (const auto expected : waits) {
        const auto wait = throttle.try_now("anna", std::to_string(++address), now);
        CHECK(wait == expected);
        now += wait;
        if (wait > 0ms) CHECK(throttle.try_now("anna", std::to_string(++address), now) == 0ms);
        throttle.failed("Anna", now);
    }
    throttle.succeeded("ANNA");
    CHECK(throttle.try_now("anna", "10.0.0.1", now) == 0ms);
}

TEST_CASE("The failures of one account do not slow down another", "[http][api][throttle]") {
    SignInThrottle throttle;
    for (int i = 0; i < 9; ++i) throttle.failed("anna", start);
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
    CHECK(passed == 200);
}
