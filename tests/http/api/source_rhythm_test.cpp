#include "http/api/source_rhythm.hpp"

#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::api;
using namespace std::chrono_literals;

namespace {

/// A Monday, 00:00 UTC; the tests run in whatever zone, and ask for nothing that depends on it.
const WallTime monday{1'789'948'800s};

/// A patient every half hour from the 8th to the 17th hour of the day, each with three series, on these days.
std::vector<WallTime> working_days(int days, bool weekends = true) {
    std::vector<WallTime> series;
    for (int day = 0; day < days; ++day) {
        if (!weekends && day % 7 >= 5) continue;
        for (int half_hour = 16; half_hour < 34; ++half_hour) {
            const WallTime visit = monday + std::chrono::hours(24 * day) + std::chrono::minutes(30 * half_hour);
            for (const auto after : {0s, 60s, 120s}) series.push_back(visit + after);
        }
    }
    return series;
}

SourceRhythm at(const std::vector<WallTime>& series, WallTime now) {
    return rhythm_of(series, now, std::nullopt);
}

}  // namespace

TEST_CASE("The usual gap is that between patients of a day, not between series or over nights", "[http][sources]") {
    const auto series = working_days(5);
    CHECK(at(series, series.back()).usual_gap_s == 1800);
    CHECK_FALSE(at({monday, monday + 1h}, monday + 2h).usual_gap_s.has_value());
    CHECK_FALSE(at({}, monday).usual_gap_s.has_value());
}

TEST_CASE("A device is overdue when it is silent at hours in which it is not, and not at night", "[http][sources]") {
    const auto series = working_days(10);
    const WallTime last = series.back();
    CHECK_FALSE(at(series, last + 14h).overdue);  // the next morning, before it begins
    const WallTime morning = monday + 24h * 10 + 8h;
    CHECK_FALSE(at(series, morning + 1h).overdue);
    const SourceRhythm late = at(series, morning + 4h);
    CHECK(late.overdue);
    CHECK(late.missed == Approx(8).epsilon(0.2));
    CHECK(late.silent_s == std::chrono::duration<double>(morning + 4h - last).count());
}

TEST_CASE("When weeks are known, a weekend without work is as usual", "[http][sources]") {
    const auto series = working_days(26, false);  // until a Friday
    const WallTime saturday = monday + 24h * 26;
    CHECK_FALSE(at(series, saturday + 40h).overdue);
    CHECK(at(series, saturday + 48h + 14h).overdue);
}

TEST_CASE("Of what has sent little nothing is expected, unless a person says so", "[http][sources]") {
    const std::vector<WallTime> few = {monday, monday + 24h, monday + 96h};
    CHECK_FALSE(at(few, monday + 24h * 20).overdue);
    CHECK(rhythm_of(few, monday + 24h * 20, 86'400).overdue);
    CHECK_FALSE(rhythm_of(few, monday + 97h, 86'400).overdue);
    const auto many = working_days(10);
    CHECK_FALSE(rhythm_of(many, monday + 24h * 10 + 14h, 200'000).overdue);
}

TEST_CASE("The last day is counted by hours, and a clock that was set back counts nothing twice", "[http][sources]") {
    const SourceRhythm rhythm = at({monday - 25h, monday - 90min, monday - 80min, monday - 1s, monday + 1h}, monday);
    CHECK(rhythm.last_day[23] == 1);
    CHECK(rhythm.last_day[22] == 2);
    unsigned all = 0;
    for (const unsigned hour : rhythm.last_day) all += hour;
    CHECK(all == 3);
    CHECK(rhythm.silent_s == 0);
}
