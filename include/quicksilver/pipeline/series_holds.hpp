#pragma once

#include "quicksilver/pipeline/series_folders.hpp"
#include "quicksilver/pipeline/stage_context.hpp"
#include "quicksilver/store/hold_marker.hpp"

#include <boost/asio/awaitable.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace quicksilver {

/// Series that people keep: no cleaner removes their files, for age or for want of space. The marker `.held` in each of
/// their folders is the truth and goes with the folder; what is remembered here is read from the markers at the start,
/// and makes that what becomes of the series later, a late part of it for example, is kept too.
/// Io thread only, but for `all`.
class SeriesHolds {
public:
    explicit SeriesHolds(StageContext context);

    /// Reads the markers. A series held meanwhile stays held.
    boost::asio::awaitable<void> recover();

    /// Returns the names of the folders that are kept from now on, also after a restart. Errc::not_found when no file
    /// of the series is here, Errc::busy while it is being handed over to its tasks.
    boost::asio::awaitable<Result<std::vector<std::string>>> hold(KnownSeries series, std::string user);
    /// Returns the names of the folders that were kept. Errc::invalid when it is not held.
    boost::asio::awaitable<Result<std::vector<std::string>>> release(KnownSeries series);
    /// Tasks were made of the series: they are kept if it is.
    boost::asio::awaitable<void> keep(KnownSeries series);

    /// All that are held. Any thread.
    std::shared_ptr<const Holds> all() const;

private:
    struct Held {
        Hold hold;
        std::set<std::string> tasks;  // the folders that are known to have the marker
    };
    Result<std::vector<std::string>> mark(const KnownSeries& series, const Hold& hold) const;
    void publish();

    StageContext context_;
    std::map<std::string, Held> held_;
    mutable std::mutex mutex_;  // guards all_
    std::shared_ptr<const Holds> all_ = std::make_shared<Holds>();
};

}  // namespace quicksilver
