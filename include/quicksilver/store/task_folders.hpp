#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/core/config.hpp"
#include "quicksilver/store/file_ops.hpp"
#include "quicksilver/store/hold_marker.hpp"
#include "quicksilver/store/task_file.hpp"

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

enum class Stage { incoming, studies, processing, outgoing, success, error, discard };

/// "incoming", "studies" …: mercure's folder names.
std::string_view to_string(Stage stage);

/// mercure's marker files (contract §3), and one of ours.
namespace markers {
inline constexpr std::string_view lock = ".lock";
inline constexpr std::string_view processing = ".processing";
inline constexpr std::string_view error = ".error";
inline constexpr std::string_view halt = "HALT";
inline constexpr std::string_view force_complete = ".force-complete";
inline constexpr std::string_view held = ".held";  ///< hold_marker.hpp
}  // namespace markers

struct TaskEntry {
    std::string id;  ///< the folder's name
    std::filesystem::path path;
    WallTime modified;  ///< of the folder: the last file made, replaced or removed in it
};

struct StageUsage {
    std::uint64_t tasks = 0;
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
};

/// Which marker files lie in a task's folder.
struct TaskMarkers {
    bool lock = false;
    bool processing = false;
    bool error = false;
    bool held = false;
};

/// Owns the stage folders. Every move is one rename, so a task is in exactly one stage after any crash.
/// Names that begin with a point are not tasks: `.new-ID` is being made, `.removing-ID` is being removed,
/// `.routing-ID` is a series that is being handed over (handover.hpp).
/// Everything blocks: for the files pool. Holds no state between calls, so any number of threads may call it.
class TaskFolders {
public:
    /// Both outlive this.
    TaskFolders(FileOps& ops, const Clock& clock, FolderConfig folders);

    /// Makes the stage folders that are missing.
    Result<void> make_stages() const;

    const std::filesystem::path& path(Stage stage) const;
    std::filesystem::path path(Stage stage, std::string_view id) const;
    FileOps& ops() const { return ops_; }

    /// The folders of a stage, longest unchanged first. Not `incoming/error`, which is mercure's place for bad files.
    Result<std::vector<TaskEntry>> list(Stage stage) const;
    /// The ids of those tasks that nobody holds by a marker, in the same order.
    Result<std::vector<std::string>> list_ready(Stage stage) const;
    bool exists(Stage stage, std::string_view id) const;
    /// Whether somebody's text may name a task: nothing that leads elsewhere, and none of the hidden folders.
    static bool is_id(std::string_view text);
    /// Sums up a stage, sub-folders included; files that vanish meanwhile do not count.
    StageUsage usage(Stage stage) const;

    /// Makes `STAGE/.new-ID` with links (or copies) of `files` and, unless it is empty, `task_json`, all durable. A
    /// folder among the files comes with all in it.
    /// A leftover of the same name is removed first. Not yet a task: `publish` makes it one.
    Result<void> prepare(Stage stage, std::string_view id, const std::vector<std::filesystem::path>& files,
                         std::string_view task_json) const;
    /// Renames `STAGE/.new-ID` to `STAGE/ID`, durably. Errc::not_found when there is no such folder.
    Result<std::filesystem::path> publish(Stage stage, std::string_view id) const;
    bool is_prepared(Stage stage, std::string_view id) const;
    /// `prepare` and `publish` in one.
    Result<std::filesystem::path> make_task(Stage stage, std::string_view id,
                                            const std::vector<std::filesystem::path>& files,
                                            std::string_view task_json) const;

    /// Moves a folder into a stage under `name`, or `<name>_<ISO timestamp>` when that is taken (mercure's rule), and
    /// removes mercure's markers `.lock` and `.processing` from it. Returns where it is now.
    Result<std::filesystem::path> move(const std::filesystem::path& from, Stage to, std::string_view name) const;
    Result<std::filesystem::path> move(const std::filesystem::path& from, Stage to) const;

    /// Gives up: writes `info.fail_stage` and `info.fail_reason` into the folder's task.json, then moves it to error/.
    /// Without a readable task.json the reason goes to `error.txt`. A disk too full for either does not stop the move.
    Result<std::filesystem::path> park(const std::filesystem::path& from, FailStage stage,
                                       std::string_view reason) const;

    /// Removes a folder with all in it, also one that is half removed already.
    Result<void> remove(const std::filesystem::path& folder) const;
    /// Takes a folder out of sight, durably, and returns where it is: what comes next need not wait for its removal.
    /// After a crash the next start removes it. An empty path when the folder is not there.
    Result<std::filesystem::path> set_aside(const std::filesystem::path& folder) const;

    /// Keeps a folder for these series too: `remove_unless_held` leaves it alone until all are released. The marker
    /// goes wherever the folder goes. Errc::not_found when the folder is gone. Leaves its age as it is, as `release`
    /// does.
    Result<void> hold(const std::filesystem::path& folder, const Holds& holds) const;
    /// False when the folder was not held for this series. A marker that names nobody is removed, too.
    Result<bool> release(const std::filesystem::path& folder, const std::string& series_uid) const;
    /// For which series a folder is held; nothing when it is not.
    static std::optional<Holds> holds_of(const std::filesystem::path& folder);
    /// `remove`, but Errc::busy for a folder that is held, however little before.
    Result<void> remove_unless_held(const std::filesystem::path& folder) const;

    /// Removes what a crash left of making and removing: `.new-*` except these ids, and `.removing-*`. For the start,
    /// after the unfinished hand-overs. Returns how many.
    Result<std::size_t> remove_leftovers(const std::set<std::string>& keep_new_ids) const;

    /// Removes the markers `.lock` and `.processing` of a run before this one, which nobody holds any more. For the
    /// start. Returns how many.
    Result<std::size_t> remove_stale_markers(Stage stage) const;
    static TaskMarkers markers_of(const std::filesystem::path& folder);
    /// Whether the `HALT` file suspends this stage.
    bool is_halted(Stage stage) const;
    Result<void> set_halted(Stage stage, bool halted) const;

    /// `*.dcm` directly in the folder, sorted by name.
    static Result<std::vector<std::filesystem::path>> instances(const std::filesystem::path& folder);

private:
    FileOps& ops_;
    const Clock& clock_;
    FolderConfig folders_;
    mutable std::mutex holds_mutex_;  // guards the markers `.held`, against one another and against removing
};

}  // namespace quicksilver
