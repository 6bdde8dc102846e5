#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/core/result.hpp"

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace quicksilver {

/// A study that is being collected, as the interface shows it.
struct CollectedStudyView {
    std::string id;  ///< StudyInstanceUID#rule
    std::string study_uid, rule;
    std::string created_at, last_received_at;  ///< local time, as in task.json
    std::string required_series;               ///< the expression that completes it; "" when time does
    std::vector<std::string> received_series;  ///< descriptions
    std::vector<std::string> series_uids;
    std::vector<std::string> missing_series;  ///< what has not come of the required ones
    std::string state;                        ///< why it waits, in words
    nlohmann::json task;                      ///< task.json
};

/// Why a stage is paused, by whom, and when it goes on by itself.
struct PauseOrder {
    std::string reason;
    std::string user;
    std::optional<WallTime> until;
};

/// One step of testing a target.
struct TargetTestStep {
    std::string name;  ///< dns, tcp, tls, associate, auth, echo, folder, write
    bool ok = false;
    std::chrono::milliseconds took{0};
    std::string detail;  ///< what was found, or the reason of the failure
    std::string hint;    ///< of a failure: what a person can do about it
};

/// What would be cleaned, or was.
struct CleaningItem {
    std::string stage;  ///< success, discard
    std::string task;   ///< name of the folder
    WallTime modified;
    std::uint64_t bytes = 0;
    std::string problem;  ///< why it could not be removed; "" when it is gone, or in a preview
};

/// What people do to the pipeline. Io thread. Implemented by the composition root. The errors say what to do instead;
/// Errc::not_found when there is no such stage, study, target or task (any more).
class Control {
public:
    enum class Stage { receive, route, process, dispatch };
    enum class TargetAction {
        pause,
        resume,
        drain,      ///< deliver what waits now, then pause
        retry_now,  ///< look at once whether it is back
    };
    enum class TaskAction {
        cancel,        ///< out of processing or delivery, into error/
        send_missing,  ///< what its targets have not confirmed
        send_all,      ///< everything once more, to the same targets
        put_first,     ///< before all others in its queues
    };
    using StepObserver = std::function<void(const TargetTestStep&)>;
    using Steps = std::vector<TargetTestStep>;

    virtual ~Control() = default;

    /// What runs is finished, and nothing new begun; outlives a restart.
    virtual boost::asio::awaitable<Result<void>> pause(Stage stage, PauseOrder order) = 0;
    virtual boost::asio::awaitable<Result<void>> resume(Stage stage) = 0;

    virtual std::vector<CollectedStudyView> studies() const = 0;
    virtual boost::asio::awaitable<Result<void>> complete_study(std::string id) = 0;
    virtual boost::asio::awaitable<Result<void>> discard_study(std::string id) = 0;
    virtual boost::asio::awaitable<Result<void>> extend_study(std::string id) = 0;

    virtual boost::asio::awaitable<Result<void>> act_on_target(TargetAction action, std::string target) = 0;
    /// Step by step; `on_step` is called on the io thread as each ends.
    virtual boost::asio::awaitable<Result<Steps>> test_target(std::string target, StepObserver on_step) = 0;
    /// A target of a configuration that nobody has saved; `document` is the text of its file.
    virtual boost::asio::awaitable<Result<Steps>> test_unsaved_target(std::string document, std::string target,
                                                                      StepObserver on_step) = 0;

    virtual boost::asio::awaitable<Result<void>> act_on_task(TaskAction action, std::string task_id) = 0;
    /// A new task with the same files, whose id is returned.
    virtual boost::asio::awaitable<Result<std::string>> send_task(std::string task_id,
                                                                  std::vector<std::string> targets) = 0;
    /// Removes the folder of a task that has ended. Errc::busy while it has not.
    virtual boost::asio::awaitable<Result<void>> remove_task(std::string task_id) = 0;

    /// What the cleaner would remove now whatever the hour, oldest first; with `remove` it does.
    virtual boost::asio::awaitable<std::vector<CleaningItem>> clean(bool remove) = 0;
};

}  // namespace quicksilver
