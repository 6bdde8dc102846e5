#pragma once

#include "quicksilver/pipeline/cleaning_plan.hpp"
#include "quicksilver/pipeline/stage_context.hpp"
#include "quicksilver/store/task_folders.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <vector>

namespace quicksilver {

/// How full the file system of a folder is; available to us, not to root. Errors count as "not full".
struct DiskSpace {
    std::uint64_t total_bytes = 0;
    std::uint64_t available_bytes = 0;
};
DiskSpace disk_space(const std::filesystem::path& folder);

/// The folders of these stages, oldest first, without those that somebody works in. Blocks.
std::vector<CleaningCandidate> cleaning_candidates(const TaskFolders& folders, const std::vector<Stage>& stages);

/// Removes what has been delivered or discarded: after the retention, in off-peak hours; and when the disk is almost
/// full, oldest first, until it is not. Never a folder in use, never one that is held, never anything of another stage.
/// Io thread only; removes on the files pool.
class Cleaner {
public:
    struct Status {
        std::uint64_t removed_total = 0;
        std::uint64_t emergencies_total = 0;  ///< rounds that had to remove because of a full disk
        /// Held folders of a disk that is almost full, when nothing else is left on it to remove.
        std::uint64_t held_in_the_way = 0;
    };
    using MeasureDisk = std::function<DiskSpace(const std::filesystem::path&)>;

    explicit Cleaner(StageContext context, MeasureDisk measure = disk_space);

    /// Cleans until cancelled.
    boost::asio::awaitable<void> run();
    boost::asio::awaitable<void> clean_once();
    Status status() const { return totals_; }

private:
    struct Removed {
        std::filesystem::path folder;
        bool emergency = false;
        std::string error;
    };
    struct Round {
        std::vector<Removed> removed;
        std::uint64_t held_in_the_way = 0;
    };
    Round clean_blocking(const CleanerConfig& config) const;
    void clean_emergency(const CleanerConfig& config, Round& round) const;
    void remove(const CleaningCandidate& one, bool emergency, Round& round) const;
    void note_held(std::uint64_t in_the_way);

    StageContext context_;
    MeasureDisk measure_;
    Status totals_;
};

}  // namespace quicksilver
