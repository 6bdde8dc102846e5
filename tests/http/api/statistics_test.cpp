#include "http/api/history_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;
using nlohmann::json;

namespace {

/// The window in which the fixture's series arrive.
const std::string window = "from=2026-09-21T14:13:20Z&to=2026-09-21T16:13:20Z";

}  // namespace

TEST_CASE("Charts get columns", "[http][api][statistics]") {
    HistoryApi api;
    api.add_series(0, "CT");
    api.add_series(1, "MR");
    api.add_series(3600, "CT");
    const json all = api.get_masked("/stats/timeseries?" + window).body;
    CHECK(all.at("t") == json{1'790'000'000, 1'790'003'600});
    CHECK(all.at("series") == json::array({{{"key", ""}, {"v", {2.0, 1.0}}}}));
    const json grouped = api.get_masked("/stats/timeseries?group_by=modality&metric=bytes&" + window).body;
    CHECK(grouped.at("series") ==
          json::array({{{"key", "CT"}, {"v", {1000.0, 1000.0}}}, {{"key", "MR"}, {"v", {1000.0, 0.0}}}}));
    // A series of two rules counts for both.
    const json rules = api.get_masked("/stats/timeseries?group_by=rule&" + window).body;
    CHECK(rules.at("series")[0] == json{{"key", "ct"}, {"v", {2.0, 1.0}}});
    CHECK(rules.at("series")[1].at("key") == "other");
}

TEST_CASE("Charts that make no sense are refused", "[http][api][statistics]") {
    HistoryApi api;
    for (const char* query :
         {"from=yesterday", "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "step=60&from=2000-01-01T00:00:00Z",
          "group_by=target", "metric=deliveries&group_by=rule", "metric=patients"}) {
        INFO(query);
        CHECK(api.get(std::string("/stats/timeseries?") + query).status == 422);
    }
}

TEST_CASE("How long it took is told in quantiles", "[http][api][statistics]") {
    HistoryApi api;
    api.add_series(0);
    const json seen = api.get_masked("/stats/latency?group_by=rule&" + window).body.at("items");
    CHECK(seen[0] == json{{"key", "ct"}, {"count", 1}, {"p50_s", 0.0}, {"p95_s", 0.0}, {"p99_s", 0.0}});
}
