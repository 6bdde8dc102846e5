#include "http/api/target_health.hpp"

#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::api;
using nlohmann::json;

TEST_CASE("Quantiles are values that were measured", "[http][api][targets]") {
    std::vector<double> none;
    CHECK(quantile(none, 0.5).is_null());
    std::vector<double> values = {3, 1, 2};
    CHECK(quantile(values, 0.5) == 2.0);
    CHECK(quantile(values, 0.95) == 3.0);
    CHECK(quantile(values, 0.0) == 1.0);
}

TEST_CASE("Deliveries are counted by time, and odd times do no harm", "[http][api][targets]") {
    const WallTime now = WallTime(std::chrono::hours(500'000));
    const WallTime since = now - std::chrono::hours(24);
    const auto event = [](const char* name, const std::string& time) {
        return EventItem{1, time, "t", "s", name, "pacs", "", 0};
    };
    const json counted = delivery_statistics(
        {event("DISPATCH_BEGIN", rfc3339(since)), event("DISPATCH_COMPLETE", rfc3339(since + std::chrono::seconds(2))),
         event("ERROR", rfc3339(now + std::chrono::hours(1))), event("ERROR", rfc3339(since - std::chrono::hours(1))),
         event("ERROR", "yesterday")},
        since, now);
    CHECK(counted.at("buckets").size() == 96);
    CHECK(counted.at("buckets").front() == json{{"t", rfc3339(since)}, {"ok", 1}, {"failed", 1}});
    CHECK(counted.at("buckets").back().at("failed") == 1);
    CHECK(counted.at("deliveries").at("p50_s") == 2.0);
}
