#include "quicksilver/pipeline/series_tracker.hpp"

#include "support/catch.hpp"

using namespace quicksilver;
using namespace std::chrono_literals;

namespace {
const SteadyTime start{1000h};
}

TEST_CASE("A series is complete once it has been quiet for the trigger", "[pipeline][tracker]") {
    SeriesTracker tracker;
    tracker.arrived("1", "study 1", start, 100);
    tracker.arrived("1", "study 1", start + 5s, 100);
    CHECK(tracker.take_complete(start + 14s, Seconds(10)).empty());
    CHECK(tracker.next_due(Seconds(10)) == start + 15s);
    const auto complete = tracker.take_complete(start + 15s, Seconds(10));
    REQUIRE(complete.size() == 1);
    CHECK(complete[0].series_uid == "1");
    CHECK(complete[0].series.instances == 2);
    CHECK(complete[0].series.bytes == 200);
    CHECK(complete[0].series.first == start);
    CHECK(tracker.size() == 0);
    CHECK_FALSE(tracker.next_due(Seconds(10)).has_value());
}

TEST_CASE("Series become complete in the order in which they fell quiet", "[pipeline][tracker]") {
    SeriesTracker tracker;
    tracker.arrived("b", "study b", start, 1);
    tracker.arrived("a", "study a", start + 1s, 1);
    tracker.arrived("c", "study c", start + 100s, 1);
    const auto complete = tracker.take_complete(start + 20s, Seconds(10));
    REQUIRE(complete.size() == 2);
    CHECK(complete[0].series_uid == "b");
    CHECK(complete[1].series_uid == "a");
    CHECK(tracker.contains("c"));
}

TEST_CASE("The trigger may be a fraction of a second, and zero", "[pipeline][tracker]") {
    SeriesTracker tracker;
    tracker.arrived("1", "study 1", start, 1);
    CHECK(tracker.take_complete(start + 200ms, Seconds(0.25)).empty());
    CHECK(tracker.take_complete(start + 250ms, Seconds(0.25)).size() == 1);
    tracker.arrived("1", "study 1", start, 1);
    CHECK(tracker.take_complete(start, Seconds(0)).size() == 1);
}

TEST_CASE("A folder that was found counts from when it was last touched, and never resets a series that is known",
          "[pipeline][tracker]") {
    SeriesTracker tracker;
    tracker.found("old", "study old", start - 100s);
    tracker.arrived("known", "study known", start, 1);
    tracker.found("known", "study known", start - 100s);
    const auto complete = tracker.take_complete(start, Seconds(10));
    REQUIRE(complete.size() == 1);
    CHECK(complete[0].series_uid == "old");
}

TEST_CASE("A postponed series keeps its first arrival and its counts", "[pipeline][tracker]") {
    SeriesTracker tracker;
    tracker.arrived("1", "study 1", start, 10);
    const auto complete = tracker.take_complete(start + 10s, Seconds(10));
    REQUIRE(complete.size() == 1);
    tracker.arrived("1", "study 1", start + 11s, 5);
    tracker.postpone(complete[0], start + 12s);
    CHECK(tracker.take_complete(start + 21s, Seconds(10)).empty());
    const auto again = tracker.take_complete(start + 22s, Seconds(10));
    REQUIRE(again.size() == 1);
    CHECK(again[0].series.first == start);
    CHECK(again[0].series.instances == 2);
    CHECK(again[0].series.bytes == 15);
}

TEST_CASE("The studies of arriving series are known, also of series that were put back", "[pipeline][tracker]") {
    SeriesTracker tracker;
    tracker.arrived("1", "study", start, 10);
    CHECK(tracker.contains_study("study"));
    CHECK_FALSE(tracker.contains_study("other"));
    const auto complete = tracker.take_complete(start + 60s, Seconds(60));
    CHECK_FALSE(tracker.contains_study("study"));
    tracker.postpone(complete.front(), start + 60s);
    CHECK(tracker.contains_study("study"));
}
