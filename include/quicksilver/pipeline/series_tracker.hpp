#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/core/config.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace quicksilver {

/// Which series are arriving, and which of them have been quiet for long enough to count as complete. Pure: values and
/// steady time, so a clock that somebody sets shifts nothing.
class SeriesTracker {
public:
    struct Series {
        SteadyTime first;
        SteadyTime last;
        std::uint64_t instances = 0;
        std::uint64_t bytes = 0;
        std::string study_uid;  ///< StudyInstanceUID; empty when not known
    };
    struct Complete {
        std::string series_uid;
        Series series;
    };

    void arrived(const std::string& series_uid, const std::string& study_uid, SteadyTime now, std::uint64_t bytes);
    /// A folder that was found on disk: quiet since `since`. Does nothing when the series is known.
    void found(const std::string& series_uid, const std::string& study_uid, SteadyTime since);
    /// Not yet after all: an instance is being written, or the router had no room.
    void postpone(const Complete& complete, SteadyTime now);

    /// Takes out the series that have been quiet for `trigger`, longest quiet first.
    std::vector<Complete> take_complete(SteadyTime now, Seconds trigger);
    /// When the next one is complete if nothing arrives; nothing when none is arriving.
    std::optional<SteadyTime> next_due(Seconds trigger) const;

    bool contains(const std::string& series_uid) const { return series_.contains(series_uid); }
    /// Whether a series of this study is arriving.
    bool contains_study(const std::string& study_uid) const;
    std::size_t size() const { return series_.size(); }

private:
    std::map<std::string, Series> series_;
};

}  // namespace quicksilver
