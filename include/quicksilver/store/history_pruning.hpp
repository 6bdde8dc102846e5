#pragma once

#include "quicksilver/core/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace quicksilver {

namespace database {
class Connection;
}

/// How far one round of pruning is. A round goes once over what is old, in small pieces.
struct HistoryPruning {
    std::string first_seen, series_uid;  ///< of the last series that was looked at; "" at the begin
    std::uint64_t series = 0;            ///< removed so far
    std::uint64_t rows = 0;              ///< of what belongs to no series
    bool is_done = false;
    std::vector<std::string> log_files;  ///< of modules, whose rows the last piece removed
};

/// Whether anything of a task, or of a series that has none, still lies in a folder. On the journal's thread.
using FolderIsHere = std::function<bool(const std::string& task_or_series)>;

/// One piece: looks at the next `rows_max` series and removes those that ended before then, with their tasks, events,
/// files, logs and decisions; after the last series, what belongs to none and is as old. A series stays whole while it
/// or one of its tasks is under way or has files here. One transaction. Throws DatabaseError.
HistoryPruning prune_history(database::Connection& connection, WallTime before, HistoryPruning from,
                             std::size_t rows_max, const FolderIsHere& is_here);

}  // namespace quicksilver
