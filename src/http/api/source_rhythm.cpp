#include "source_rhythm.hpp"

#include <algorithm>
#include <ctime>

namespace quicksilver::api {

namespace {

using Hours = std::chrono::hours;

/// Series of one patient come together.
constexpr auto visit_gap = std::chrono::minutes(5);
constexpr std::size_t visits_min = 20;
constexpr auto known_min = Hours(72);
constexpr auto weekly_from = Hours(24 * 14);  ///< from here on weekdays differ; before, only hours of the day
/// With so many expected and none come, chance explains less than one silence in a hundred.
constexpr double missed_max = 5;
constexpr std::size_t hours_of_week = 24 * 7;

double seconds(WallTime::duration time) {
    return std::chrono::duration<double>(time).count();
}

std::size_t hour_of_week(WallTime time) {
    const std::time_t at = std::chrono::system_clock::to_time_t(time);
    std::tm local{};
    ::localtime_r(&at, &local);
    return static_cast<std::size_t>(local.tm_wday * 24 + local.tm_hour);
}

std::vector<WallTime> visits_of(const std::vector<WallTime>& series) {
    std::vector<WallTime> visits;
    WallTime last{};
    for (const WallTime time : series) {
        if (visits.empty() || time - last > visit_gap) visits.push_back(time);
        last = time;
    }
    return visits;
}

std::optional<double> usual_gap(const std::vector<WallTime>& visits) {
    std::vector<double> gaps;
    for (std::size_t n = 1; n < visits.size(); ++n) {
        const auto gap = visits[n] - visits[n - 1];
        if (gap < Hours(8)) gaps.push_back(seconds(gap));
    }
    if (gaps.size() < 3) return std::nullopt;
    const auto middle = gaps.begin() + static_cast<std::ptrdiff_t>(gaps.size() / 2);
    std::nth_element(gaps.begin(), middle, gaps.end());
    return *middle;
}

/// How many visits usually come between two times, by the hours of the week or of the day in which others came.
double usually_between(const std::vector<WallTime>& visits, WallTime from, WallTime to) {
    const auto known = visits.back() - visits.front();
    const std::size_t cycle = known >= weekly_from ? hours_of_week : 24;
    std::array<double, hours_of_week> per_hour{};
    for (const WallTime visit : visits) per_hour.at(hour_of_week(visit) % cycle) += 1;
    const double cycles = std::max(1.0, seconds(known) / (3600.0 * static_cast<double>(cycle)));
    double expected = 0;
    for (WallTime at = from; at < to; at += Hours(1)) {
        const double part = std::min(1.0, seconds(to - at) / 3600);
        expected += part * per_hour.at(hour_of_week(at) % cycle) / cycles;
    }
    return expected;
}

}  // namespace

SourceRhythm rhythm_of(const std::vector<WallTime>& series, WallTime now, std::optional<double> expected_gap_s) {
    SourceRhythm rhythm;
    if (series.empty()) return rhythm;
    for (const WallTime time : series) {
        const auto ago = now - time;
        if (ago < WallTime::duration::zero() || ago >= Hours(24)) continue;
        ++rhythm.last_day.at(23 - static_cast<std::size_t>(std::chrono::floor<Hours>(ago).count()));
    }
    rhythm.silent_s = std::max(0.0, seconds(now - series.back()));
    const std::vector<WallTime> visits = visits_of(series);
    rhythm.usual_gap_s = usual_gap(visits);
    const bool is_known = visits.size() >= visits_min && visits.back() - visits.front() >= known_min;
    if (is_known) rhythm.missed = usually_between(visits, series.back(), now);
    rhythm.overdue = expected_gap_s ? rhythm.silent_s > *expected_gap_s : rhythm.missed >= missed_max;
    return rhythm;
}

}  // namespace quicksilver::api
