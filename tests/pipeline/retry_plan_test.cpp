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
