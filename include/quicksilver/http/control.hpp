#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/core/result.hpp"
#include "quicksilver/core/stop_flag.hpp"
#include "quicksilver/store/hold_marker.hpp"

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace quicksilver {

/// A study that is being collected, as the interface shows it.
struct CollectedStudyView {
    std::string id;  ///< StudyInstanceUID#rule
    std::string study_uid, rule;
    std::string created_at, last_received_at;  ///< RFC 3339; "" when task.json does not say
    std::string required_series;               ///< the expression that completes it; "" when time does
    struct Required {
        std::string text;  ///< part of a description that the expression names
        bool received = false;
    };
    std::vector<Required> required;
    std::optional<WallTime> complete_at;       ///< when it completes, unless a series comes; nothing: time does not
    std::optional<WallTime> deadline;          ///< when `deadline_action` happens to it, complete or not
    std::string deadline_action;               ///< discard, proceed, ignore
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
    bool held = false;    ///< a person keeps it, so it stays
};

/// A series that something is to be done to, as the history knows it.
struct SeriesChoice {
    std::string series_uid;
    std::string study_uid;  ///< "" = not known
    std::vector<std::string> tasks;
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
        send_missing,  ///< from where it failed: its modules, or what its targets have not confirmed
        send_all,      ///< everything once more, to the same targets
        put_first,     ///< before all others in its queues
        process,       ///< its modules once more, by its rule as it is now, on the images as they were received
        deliver,       ///< what its targets have not confirmed, and nothing else
    };
    using StepObserver = std::function<void(const TargetTestStep&)>;
    using Steps = std::vector<TargetTestStep>;
    using Stop = std::shared_ptr<const StopFlag>;

    virtual ~Control() = default;

    /// What runs is finished, and nothing new begun; outlives a restart.
    virtual boost::asio::awaitable<Result<void>> pause(Stage stage, PauseOrder order) = 0;
    virtual boost::asio::awaitable<Result<void>> resume(Stage stage) = 0;

    virtual std::vector<CollectedStudyView> studies() const = 0;
    virtual boost::asio::awaitable<Result<void>> complete_study(std::string id) = 0;
    virtual boost::asio::awaitable<Result<void>> discard_study(std::string id) = 0;
    virtual boost::asio::awaitable<Result<void>> extend_study(std::string id) = 0;

    virtual boost::asio::awaitable<Result<void>> act_on_target(TargetAction action, std::string target) = 0;
    /// Step by step; `on_step` is called on the io thread as each ends, `stop` ends it between two of them or sooner.
    virtual boost::asio::awaitable<Result<Steps>> test_target(std::string target, Stop stop, StepObserver on_step) = 0;
    /// A target of a configuration that nobody has saved; `document` is the text of its file.
    virtual boost::asio::awaitable<Result<Steps>> test_unsaved_target(std::string document, std::string target,
                                                                      Stop stop, StepObserver on_step) = 0;

    virtual boost::asio::awaitable<Result<void>> act_on_task(TaskAction action, std::string task_id) = 0;
    /// A new task with the same files, whose id is returned.
    virtual boost::asio::awaitable<Result<std::string>> send_task(std::string task_id,
                                                                  std::vector<std::string> targets) = 0;
    /// Keeps the files of a series until it is released; the names of the folders that are kept, or were.
    virtual boost::asio::awaitable<Result<std::vector<std::string>>> hold_series(SeriesChoice series,
                                                                                 std::string user) = 0;
    virtual boost::asio::awaitable<Result<std::vector<std::string>>> release_series(SeriesChoice series) = 0;
    /// All that are held. Any thread.
    virtual std::shared_ptr<const Holds> holds() const = 0;
    /// Routes a series again from its images as they were received, by all rules or by `rule` alone; its new task's id.
    virtual boost::asio::awaitable<Result<std::string>> route_series(SeriesChoice series, std::string rule) = 0;
    /// Removes the folder of a task that has ended. Errc::busy while it has not, and while it is held.
    virtual boost::asio::awaitable<Result<void>> remove_task(std::string task_id) = 0;

    /// What the cleaner would remove now whatever the hour, oldest first; with `remove` it does.
    virtual boost::asio::awaitable<std::vector<CleaningItem>> clean(bool remove) = 0;
};

}  // namespace quicksilver
