#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/store/task_folders.hpp"

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

/// `StudyInstanceUID#rule`: the name of a study's folder, as in mercure. Errc::invalid when the two make no file name.
Result<std::string> make_study_key(std::string_view study_uid, std::string_view rule);

/// A study that is being collected.
struct CollectedStudy {
    std::string key;
    std::filesystem::path folder;
    Result<TaskFile> task = TaskFile{};  ///< or why its task.json cannot be used; then it has to be looked at
    bool force_complete = false;         ///< somebody made the file `.force-complete`
};

/// The studies that are being collected, `studies/STUDY#RULE`: the files of all their series, and a task.json whose
/// `study` part lists them. Adding to a study and taking it away exclude each other, so that none is taken away with
/// half a series. Blocks: for the files pool.
class StudyFolders {
public:
    /// Both outlive this.
    StudyFolders(const TaskFolders& folders, const Clock& clock) : folders_(folders), clock_(clock) {}

    struct Added {
        std::filesystem::path folder;
        std::string joined_task;  ///< id of the study's task; empty when the part began the study
    };
    /// Joins a prepared task of one series (`studies/.new-ID`, its own study in task.json) to the study, or makes it
    /// the study when there is none. After an error or a crash: call it again.
    Result<Added> add(const std::filesystem::path& part, const std::string& key);

    /// All of them, by key. Those under mercure's marker files `.lock` and `.processing` are left out.
    Result<std::vector<CollectedStudy>> list() const;

    /// Moves the study on as task `STAGE/<its task's id>`, to error/ with the reason in its task.json. Errc::busy when
    /// a series has joined since `judged` was read: judge again. Errc::not_found when it is gone.
    Result<std::filesystem::path> take(const std::string& key, const TaskFile& judged, Stage to,
                                       std::string_view fail_reason = "");

    /// Makes `.force-complete`, which mercure's tools make too: the study counts as complete. Errc::not_found.
    Result<void> force_complete(const std::string& key);
    /// Lets the waiting begin anew: neither of the two times runs out because of what was before. Errc::not_found.
    Result<void> extend(const std::string& key);

private:
    std::filesystem::path path(const std::string& key) const { return folders_.path(Stage::studies, key); }
    Result<void> join(const std::filesystem::path& part, const std::filesystem::path& study, TaskFile& task);
    Result<TaskFile> existing(const std::string& key) const;

    const TaskFolders& folders_;
    const Clock& clock_;
    std::mutex mutex_;  // one change of a study at a time
};

}  // namespace quicksilver
