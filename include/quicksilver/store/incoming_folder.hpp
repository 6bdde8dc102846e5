#pragma once

#include "quicksilver/store/task_folders.hpp"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

namespace quicksilver {

/// Where instances arrive: written in `incoming/.receiving/`, then renamed into `incoming/SERIES/`; a complete series
/// is claimed by renaming its folder to `incoming/.routing-TASK`. One mutex, held for a rename or two and never over a
/// sync, decides for each instance whether it belongs to the claimed folder or begins a new one, so that none can slip
/// into a folder whose files have been listed already. Any thread: associations commit, the files pool claims.
class IncomingFolder {
public:
    explicit IncomingFolder(const TaskFolders& folders);

    /// Makes `.receiving` and removes the torn files of the last run from it.
    Result<std::size_t> prepare();

    /// A name for a file being received: write, sync and close it there, then `commit` it. Never the same twice.
    std::filesystem::path new_part_path();

    /// Renames a written and synced part to `incoming/SERIES/<name>`, replacing an instance of the same name, and makes
    /// the name durable: after success the instance survives a power cut. After a failure the part is gone, and the
    /// sender must be told so; where only the last sync failed, the instance stays and a second one replaces it.
    Result<void> commit(const std::filesystem::path& part, std::string_view series_uid, std::string_view name);

    /// Takes the series out of reception: `incoming/SERIES` becomes `incoming/.routing-TASK`. Instances that arrive
    /// from now on make a new `incoming/SERIES`. Errc::not_found when there is no such series.
    Result<std::filesystem::path> claim(std::string_view series_uid, std::string_view task_id);

private:
    struct Place {
        OpenFile folder;
        bool is_new_series;  // its name in incoming/ is not yet durable
    };
    Result<Place> place(const std::filesystem::path& part, std::string_view series_uid, std::string_view name);

    const TaskFolders& folders_;
    std::filesystem::path receiving_;
    std::atomic<std::uint64_t> next_part_ = 0;
    std::mutex mutex_;  // guards the names of the series folders between commit and claim, and the next line
    std::set<std::string, std::less<>> new_series_;
};

}  // namespace quicksilver
