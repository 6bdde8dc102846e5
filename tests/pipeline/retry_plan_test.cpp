#include "quicksilver/pipeline/retry_plan.hpp"

#include "support/catch.hpp"

using namespace quicksilver;

TEST_CASE("Attempts are counted as mercure counts them, and 0 means until it works", "[pipeline][retry]") {
    struct Case {
        unsigned attempts, failures;
        bool again;
    };
    const Case cases[] = {{5, 1, true},  {5, 4, true}, {5, 5, false},    {5, 6, false},
                          {1, 1, false}, {0, 1, true}, {0, 100000, true}};
    for (const Case& c : cases) {
        CAPTURE(c.attempts, c.failures);
        const auto delay = next_attempt(RetryConfig{Seconds(900), c.attempts}, c.failures);
        CHECK(delay.has_value() == c.again);
        if (delay) CHECK(delay->count() == 900);
    }
}

TEST_CASE("Each wait may be longer than the one before, up to a limit", "[pipeline][retry]") {
    RetryConfig retry{Seconds(10), 0};
    retry.multiplier = 3;
    retry.max_delay = Seconds(200);
    const std::pair<unsigned, double> waits[] = {{1, 10}, {2, 30}, {3, 90}, {4, 200}, {5, 200}, {100'000, 200}};
    for (const auto& [failures, seconds] : waits) {
        CAPTURE(failures);
        CHECK(next_attempt(retry, failures)->count() == seconds);
    }
    retry.max_delay = Seconds(5);
    CHECK(next_attempt(retry, 1)->count() == 10);  // the delay itself is what somebody asked for
    retry.delay = Seconds(0);
    CHECK(next_attempt(retry, 100'000)->count() == 0);
}

TEST_CASE("Jitter spreads the wait evenly around its length", "[pipeline][retry]") {
    RetryConfig retry{Seconds(100), 0};
    retry.jitter = 0.1;
    CHECK(next_attempt(retry, 1, 0)->count() == Approx(90));
    CHECK(next_attempt(retry, 1, 0.5)->count() == Approx(100));
    CHECK(next_attempt(retry, 1, 0.999)->count() == Approx(110).epsilon(0.001));
}

TEST_CASE("A hand-over is tried again soon at first, later in longer steps, and at last given up",
          "[pipeline][retry]") {
    CHECK(next_routing_attempt(0)->count() == 0);
    double longest = 0;
    unsigned failures = 1;
    for (; next_routing_attempt(failures); ++failures) {
        CHECK(next_routing_attempt(failures)->count() > longest);
        longest = next_routing_attempt(failures)->count();
    }
    CHECK(failures > 3);
    CHECK_FALSE(next_routing_attempt(failures + 1).has_value());
}
