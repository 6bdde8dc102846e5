#include "quicksilver/pipeline/series_tracker.hpp"

#include <algorithm>

namespace quicksilver {

namespace {

SteadyTime::duration to_steady(Seconds seconds) {
    return std::chrono::duration_cast<SteadyTime::duration>(seconds);
}

}  // namespace

void SeriesTracker::arrived(const std::string& series_uid, const std::string& study_uid, SteadyTime now,
                            std::uint64_t bytes) {
    Series& series = series_.try_emplace(series_uid, Series{now, now, 0, 0, ""}).first->second;
    series.study_uid = study_uid;
    series.last = now;
    ++series.instances;
    series.bytes += bytes;
}

void SeriesTracker::found(const std::string& series_uid, const std::string& study_uid, SteadyTime since) {
    series_.try_emplace(series_uid, Series{since, since, 0, 0, study_uid});
}

bool SeriesTracker::contains_study(const std::string& study_uid) const {
    return std::any_of(series_.begin(), series_.end(),
                       [&](const auto& entry) { return entry.second.study_uid == study_uid; });
}

void SeriesTracker::postpone(const Complete& complete, SteadyTime now) {
    Series& series =
        series_.try_emplace(complete.series_uid, Series{complete.series.first, now, 0, 0, ""}).first->second;
    if (series.study_uid.empty()) series.study_uid = complete.series.study_uid;
    series.first = complete.series.first;
    series.last = now;
    series.instances += complete.series.instances;
    series.bytes += complete.series.bytes;
}

std::vector<SeriesTracker::Complete> SeriesTracker::take_complete(SteadyTime now, Seconds trigger) {
    std::vector<Complete> complete;
    for (auto it = series_.begin(); it != series_.end();) {
        if (now - it->second.last >= to_steady(trigger)) {
            complete.push_back(Complete{it->first, it->second});
            it = series_.erase(it);
        } else {
            ++it;
        }
    }
    std::stable_sort(complete.begin(), complete.end(),
                     [](const Complete& a, const Complete& b) { return a.series.last < b.series.last; });
    return complete;
}

std::optional<SteadyTime> SeriesTracker::next_due(Seconds trigger) const {
    if (series_.empty()) return std::nullopt;
    const auto oldest = std::min_element(series_.begin(), series_.end(),
                                         [](const auto& a, const auto& b) { return a.second.last < b.second.last; });
    return oldest->second.last + to_steady(trigger);
}

}  // namespace quicksilver
