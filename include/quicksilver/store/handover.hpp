#pragma once

#include "quicksilver/store/task_folders.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

class StudyFolders;

/// One task to make of a series.
struct PlannedTask {
    std::string id;
    Stage stage = Stage::outgoing;
    std::string task_json;  ///< empty = none, as mercure does for discarded series
    std::string study_key;  ///< stage studies only: the study that it joins, or begins (study_folders.hpp)
};

/// Where a planned task is now.
struct MadeTask {
    std::string planned_id;
    Stage stage = Stage::outgoing;
    std::filesystem::path folder;
    std::string joined_task;  ///< the task of the study that it joined; empty when it is a task of its own
};

/// A claimed folder that a crash or a failure left.
struct UnfinishedHandover {
    std::filesystem::path claimed;
    std::string task_id;      ///< of its name, `.routing-TASK`
    bool is_decided = false;  ///< true: `finish` it; false: decide again and `hand_over`
};

/// The hand-over from a claimed folder `incoming/.routing-TASK` to its tasks, safe against a crash at any point:
///
/// - one task: its task.json is written into the folder, and one rename makes the folder the task;
/// - several: every task is made under a hidden name (`STAGE/.new-ID`), durably; then `plan.json` is written into the
///   claimed folder, durably: this is the decision. Then each hidden name is renamed to the real one, and the claimed
///   folder is removed.
///
/// A task that joins a study is always made under a hidden name; publishing it is `StudyFolders::add`.
///
/// Before plan.json no stage has seen a task, so a crash costs only the deciding, which is repeated. After it a task
/// whose hidden name is gone has been published, wherever it may have moved since, and is never made twice.
/// Blocks: for the files pool. One call for one claimed folder at a time.
class Handover {
public:
    /// Both outlive this.
    Handover(const TaskFolders& folders, StudyFolders& studies) : folders_(folders), studies_(studies) {}

    /// Makes the tasks and removes the claimed folder. Returns where the tasks are. A folder that has a plan already
    /// keeps that one, and `tasks` is ignored. After an error nothing is lost: call it again. A folder that is gone has
    /// been handed over.
    Result<std::vector<MadeTask>> hand_over(const std::filesystem::path& claimed,
                                            const std::vector<PlannedTask>& tasks) const;

    /// Claims files that lie elsewhere, as if their series had arrived once more: `incoming/.routing-TASK` with links
    /// to them, whole and durable. With `forced_rule` the decision is to be made by this rule alone; "" = by all.
    Result<std::filesystem::path> claim_again(std::string_view task_id, const std::vector<std::filesystem::path>& files,
                                              const std::string& forced_rule) const;
    /// The rule that alone decides on a claimed folder; "" = all do. Errc::io when nobody can tell.
    static Result<std::string> forced_rule(const std::filesystem::path& claimed);

    /// Goes on with the plan that lies in the folder. Returns the tasks it published, not those that were already.
    Result<std::vector<MadeTask>> finish(const std::filesystem::path& claimed) const;

    /// Gives up: removes what is made but not published, and parks the claimed folder whole in error/.
    Result<std::filesystem::path> give_up(const std::filesystem::path& claimed, std::string_view reason) const;

    /// The claimed folders in incoming/, for the start.
    Result<std::vector<UnfinishedHandover>> find_unfinished() const;

    /// `TaskFolders::remove_leftovers`, sparing what unfinished plans still need.
    Result<std::size_t> remove_leftovers() const;

private:
    /// Nothing when the stage lies on another file system.
    Result<std::optional<std::filesystem::path>> hand_over_whole(const std::filesystem::path& claimed,
                                                                 const PlannedTask& task) const;
    Result<std::vector<MadeTask>> hand_over_copies(const std::filesystem::path& claimed,
                                                   const std::vector<PlannedTask>& tasks) const;
    Result<std::vector<MadeTask>> publish_all(const std::filesystem::path& claimed,
                                              const std::vector<PlannedTask>& plan) const;

    const TaskFolders& folders_;
    StudyFolders& studies_;
};

}  // namespace quicksilver
