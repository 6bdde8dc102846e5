#include "quicksilver/pipeline/rate_meter.hpp"

#include "support/catch.hpp"

using namespace quicksilver;
using namespace std::chrono_literals;

TEST_CASE("A rate is the mean of the last minute and forgets what is older", "[pipeline][rate]") {
    const SteadyTime start{1000h};
    RateMeter meter;
    meter.add(start, 60);
    meter.add(start + 30s, 60);
    CHECK(meter.per_second(start + 30s) == Approx(2.0));
    CHECK(meter.per_second(start + 59s) == Approx(2.0));
    CHECK(meter.per_second(start + 60s) == Approx(1.0));
    CHECK(meter.per_second(start + 89s) == Approx(1.0));
    CHECK(meter.per_second(start + 90s) == Approx(0.0));
    meter.add(start + 2h, 6);
    CHECK(meter.per_second(start + 2h) == Approx(0.1));
}
