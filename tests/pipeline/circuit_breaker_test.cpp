#include "quicksilver/pipeline/circuit_breaker.hpp"

#include "support/catch.hpp"

#include <vector>

using namespace quicksilver;
using namespace std::chrono_literals;

namespace {

using State = CircuitBreaker::State;

const SteadyTime start{1000h};

CircuitBreaker open_breaker() {
    CircuitBreaker breaker;
    for (int failure = 0; failure < 3; ++failure) breaker.lost(start);
    return breaker;
}

}  // namespace

TEST_CASE("A target counts as down after three lost connections in a row", "[pipeline][circuit]") {
    CircuitBreaker breaker;
    CHECK_FALSE(breaker.lost(start));
    CHECK_FALSE(breaker.lost(start));
    CHECK_FALSE(breaker.reached());
    CHECK_FALSE(breaker.lost(start));
    CHECK_FALSE(breaker.lost(start));
    CHECK(breaker.state() == State::closed);
    CHECK(breaker.lost(start));
    CHECK(breaker.state() == State::open);
}

TEST_CASE("A target that is down is looked for at growing intervals", "[pipeline][circuit]") {
    CircuitBreaker breaker = open_breaker();
    std::vector<int> waited;
    SteadyTime now = start;
    for (int probe = 0; probe < 9; ++probe) {
        CHECK_FALSE(breaker.wants_probe(breaker.next_probe() - 1ms));
        CHECK(breaker.wants_probe(breaker.next_probe()));
        waited.push_back(
            static_cast<int>(std::chrono::duration_cast<std::chrono::seconds>(breaker.next_probe() - now).count()));
        now = breaker.next_probe();
        breaker.probe_failed(now);
    }
    CHECK(waited == std::vector<int>({5, 10, 20, 40, 80, 160, 300, 300, 300}));
}

TEST_CASE("After an answered probe one delivery tries, and its success brings the target back", "[pipeline][circuit]") {
    CircuitBreaker breaker = open_breaker();
    breaker.probe_answered();
    CHECK(breaker.state() == State::trial);
    CHECK_FALSE(breaker.wants_probe(start + 24h));
    CHECK(breaker.reached());
    CHECK(breaker.state() == State::closed);
    CHECK_FALSE(breaker.lost(start));  // counts from the beginning again
}

TEST_CASE("A target that answers probes but takes nothing is tried less and less often", "[pipeline][circuit]") {
    CircuitBreaker breaker = open_breaker();
    for (const auto waited : {10s, 20s, 40s}) {
        breaker.probe_answered();
        CHECK(breaker.lost(start));
        CHECK(breaker.state() == State::open);
        CHECK(breaker.next_probe() - start == waited);
    }
}

TEST_CASE("Connections lost after the circuit opened change nothing", "[pipeline][circuit]") {
    CircuitBreaker breaker = open_breaker();
    const SteadyTime next = breaker.next_probe();
    CHECK_FALSE(breaker.lost(start + 3s));
    CHECK(breaker.next_probe() == next);
}

TEST_CASE("A changed configuration makes it look at once", "[pipeline][circuit]") {
    CircuitBreaker breaker = open_breaker();
    for (int probe = 0; probe < 5; ++probe) breaker.probe_failed(start);
    breaker.look_again(start);
    CHECK(breaker.wants_probe(start));
    breaker.probe_failed(start);
    CHECK(breaker.next_probe() - start == 10s);
    CircuitBreaker closed;
    closed.look_again(start);
    CHECK(closed.state() == State::closed);
}

TEST_CASE("Looking for a target takes no longer than waiting for the next attempt", "[pipeline][circuit]") {
    CHECK(circuit_plan(RetryConfig{Seconds(900), 5}).first_probe == Seconds(5));
    CHECK(circuit_plan(RetryConfig{Seconds(0.3), 5}).first_probe == Seconds(0.3));
    CHECK(circuit_plan(RetryConfig{Seconds(0), 5}).first_probe == Seconds(0.1));
}
