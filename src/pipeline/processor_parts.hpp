// What processor.cpp and processor_task.cpp share.
#pragma once

#include "quicksilver/pipeline/module_log.hpp"
#include "quicksilver/pipeline/processing_folder.hpp"
#include "quicksilver/pipeline/processor.hpp"

#include <memory>
#include <optional>
#include <set>
#include <string>

namespace quicksilver {

/// A task in processing/, from the moment that we know of it until it has left.
struct Processor::Task {
    enum class State { loading, waiting, running, leaving, stuck };

    Task(const TaskFolders& folders, const std::string& task_id) : id(task_id), folder(folders, task_id) {}

    const std::string id;
    ProcessingFolder folder;
    State state = State::loading;
    std::uint64_t sequence = 0;  // first come, first served
    SteadyTime known_since;
    TaskFile file;
    std::optional<ProcessingState> progress;  // of this start or an earlier one; nothing when it is to begin anew

    // The step that is next, or runs.
    nlohmann::json module_config;
    std::string runner_name;
    SlotNeeds needs;
    bool has_slots = false;
    bool resumed = false;                 // this very run has been begun before
    std::shared_ptr<RunControl> control;  // of the run; null when none runs
    std::optional<SteadyTime> deadline;
    SteadyTime run_since;
    std::string status;
    std::shared_ptr<ModuleLog> log;  // into the database; null otherwise
    unsigned log_chunk = 0;
    std::size_t log_chunk_size = 0;
    bool log_begun = false;
    std::uint64_t instances = 0;
    bool are_outputs_checked = false;  // by the runner of the step that is done
    unsigned interruptions = 0;        // by an engine that went away
    bool cancel_wanted = false;
    std::string failure;  // why it goes to error; empty = it does not

    /// Where it goes is decided, so nobody can cancel it any more.
    bool is_decided() const {
        const bool is_published = progress && progress->phase == ProcessingState::Phase::publishing;
        return state == State::leaving || is_published || !failure.empty();
    }
};

/// What runs modules, and whether it does now.
struct Processor::Runner {
    explicit Runner(ModuleRunner& given) : runner(given) {}

    ModuleRunner& runner;
    bool swept = false;  // what an earlier start left there is sorted out; before that nothing may be started
    bool probing = false;
    bool leftovers = false;  // it may have runs that nobody wants any more: to be asked although no task waits
    SteadyTime next_probe{};
    std::string away;       // why it cannot run modules now; empty = it can, as far as we know
    std::string reported;   // what of that stands in the log
    std::set<RunId> alive;  // runs that go on, or have ended, of tasks that wait
};

/// A run that is no task's, from its wish to run to its end.
struct Processor::Guest {
    Guest(const boost::asio::any_io_executor& io, RunId run, SlotNeeds wants, std::string by,
          std::shared_ptr<RunControl> given)
        : id(std::move(run)),
          needs(std::move(wants)),
          runner(std::move(by)),
          control(std::move(given)),
          wakeup(io, boost::asio::steady_timer::time_point::max()) {}

    const RunId id;
    const SlotNeeds needs;
    const std::string runner;
    const std::shared_ptr<RunControl> control;
    bool admitted = false;
    boost::asio::steady_timer wakeup;  // cancelled when it is admitted, or is to end
};

struct Processor::StepOutcome {
    enum class Kind { done, failed, again, stopped };
    Kind kind = Kind::done;
    std::string reason;
    ModuleEnd end;
    bool has_leftovers = false;  // its runner may still have something of it
};

inline constexpr const char* processor_sender = "processor.main";

}  // namespace quicksilver
