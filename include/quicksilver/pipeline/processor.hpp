#pragma once

#include "quicksilver/core/coroutine_group.hpp"
#include "quicksilver/pipeline/module_slots.hpp"
#include "quicksilver/pipeline/priority_order.hpp"
#include "quicksilver/pipeline/runners/module_runner.hpp"
#include "quicksilver/pipeline/stage_context.hpp"
#include "quicksilver/pipeline/task_hint.hpp"
#include "quicksilver/store/journal.hpp"
#include "quicksilver/store/task_file.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace quicksilver {

/// Processing: runs the modules of the tasks in processing/, several tasks at once, each on links to its files, and
/// moves what they made on to outgoing/ or success/, or the task to error/ with all that is needed to run it again.
/// Modules that run when the server stops go on where their runner can do that, and the next start finds them.
/// While a runner is away, its tasks wait and the others go on.
/// Io thread only; modules run on the modules pool.
class Processor {
public:
    struct RunView {
        std::string task, module, status;
        Seconds running{0};
    };
    struct Status {
        bool halted = false;
        std::size_t waiting = 0;
        std::size_t in_flight = 0;
        std::optional<Seconds> oldest;  ///< of those that wait
        std::uint64_t completed_total = 0;
        std::uint64_t failed_total = 0;
        std::map<std::string, std::string> away;  ///< runner → why it cannot run modules now
        std::vector<RunView> running;
    };

    /// `modules` has as many threads as `processing.max_parallel` may ever be. All outlive this.
    Processor(StageContext context, boost::asio::thread_pool& modules, const RunnerRegistry& runners,
              TaskHint to_next_stage);
    ~Processor();

    /// A task lies in processing/. Telling twice is harmless.
    void add(const std::string& task_id);

    /// Processes until cancelled; looks for tasks that nobody told us of at once and then every minute.
    boost::asio::awaitable<void> run();
    /// Begins nothing new, and lets go of what runs.
    void close();
    /// Waits until nothing of a task is being done; false when the grace is over first.
    boost::asio::awaitable<bool> join(std::chrono::steady_clock::duration grace);

    /// Ends a task that runs or waits; it goes to error/. Errc::not_found when it is not here (any more).
    Result<void> cancel(const std::string& task_id);
    enum class Again {
        failed,  ///< a task that failed here
        ended,   ///< one that ended in success or error, wherever that was
    };
    /// Processes a task again by its rule, modules and targets as they are now, on its files as they came. Errc::busy
    /// for one that has not ended, not_found for no such task; invalid when it cannot be.
    boost::asio::awaitable<Result<void>> restart(std::string task_id, Again what);

    Status status() const;
    /// Whether the module of this step of a task runs or is still to run.
    bool may_run(const std::string& task_id, std::size_t step) const;

    /// Keeps modules from using a persistence folder, as long as somebody has what this returns. Errc::busy while one
    /// runs that uses it.
    Result<std::shared_ptr<const void>> hold_persistence(const std::string& folder);
    bool uses_persistence(const std::string& folder) const;

    /// Waits until a run that is no task's has its slots, as if it were an urgent one, and keeps them as long as
    /// somebody has what this returns. `control` ends the waiting, and is interrupted when the server stops.
    boost::asio::awaitable<Result<std::shared_ptr<const void>>> take_turn(RunId id, SlotNeeds needs, std::string runner,
                                                                          std::shared_ptr<RunControl> control);

private:
    struct Task;
    struct Runner;
    struct StepOutcome;
    struct Guest;
    using TaskPtr = std::shared_ptr<Task>;

    // The queue.
    boost::asio::awaitable<void> look_around();
    boost::asio::awaitable<void> load(TaskPtr task);
    void start_tasks();
    void start(const TaskPtr& task);
    void resume_runs(const std::string& runner);
    TaskPtr next_waiting(bool wants_urgent) const;
    bool may_start(const std::string& runner, const SlotNeeds& needs) const;
    bool admit_guest();
    boost::asio::awaitable<void> clear_trials();
    void watch_runs();
    void probe_runners();
    bool is_wanted(const std::string& runner) const;
    boost::asio::awaitable<void> probe(std::string name);
    void stuck(const TaskPtr& task, const std::string& reason);
    Runner* find_runner(const std::string& name) const;
    void ask_again(Runner& runner) const;
    void wake();

    Result<std::string> bring_back(const std::string& task_id, Again what) const;

    // One task: processor_task.cpp.
    boost::asio::awaitable<void> process(TaskPtr task);
    boost::asio::awaitable<void> work_on(TaskPtr task);
    boost::asio::awaitable<bool> begin(TaskPtr task);
    boost::asio::awaitable<bool> run_step(TaskPtr task);
    boost::asio::awaitable<bool> take_result(TaskPtr task);
    boost::asio::awaitable<bool> to_next_step(TaskPtr task);
    boost::asio::awaitable<void> finish(TaskPtr task);
    boost::asio::awaitable<void> publish(TaskPtr task);
    void report_published(const Task& task, const TaskInfo& received, const std::filesystem::path& published);
    boost::asio::awaitable<void> fail(TaskPtr task, std::string reason);
    StepOutcome run_blocking_step(const ModuleRun& run, const RunControl& control, const RunProgress& progress,
                                  ModuleRunner& runner, bool resumed) const;
    void prepare_step(Task& task) const;
    static void restore_results(Task& task);
    void wait_again(Task& task, const std::string& reason);
    void give_slots_back(Task& task);
    void flush_log(Task& task, bool at_end);
    ModuleRun make_run(const Task& task) const;
    void arm(Task& task, const std::shared_ptr<RunControl>& control, const ModuleRun& run) const;
    Result<void> prepare_folders(const Task& task, const ModuleRun& run, bool resumed) const;
    void unlock_persistence(const ModuleRun& run) const;
    RunProgress progress_for(const TaskPtr& task, const ModuleRun& run);
    journal::ProcessorLog log_entry(const Task& task) const;

    StageContext context_;
    boost::asio::thread_pool& modules_;
    const RunnerRegistry& registry_;
    TaskHint to_next_stage_;
    std::map<std::string, TaskPtr> tasks_;      // by id; each lies in processing/
    std::list<std::shared_ptr<Guest>> guests_;  // runs that are no task's, first come first
    std::set<std::string> stuck_;               // ids of tasks that cannot be processed, and of which that was said
    std::map<std::string, std::unique_ptr<Runner>> runners_;
    ModuleSlots slots_;
    UrgentTurns turns_;
    std::size_t running_ = 0;  // tasks, whether a module of theirs runs or waits for its slot
    std::uint64_t sequence_ = 0;
    bool looked_ = false;   // what an earlier start left is known
    bool settled_ = false;  // and has been read
    bool closed_ = false;
    bool halted_ = false;
    std::uint64_t completed_total_ = 0;
    std::uint64_t failed_total_ = 0;
    boost::asio::steady_timer wakeup_;  // cancelled when a slot or a runner may have become free
    CoroutineGroup working_;
};

}  // namespace quicksilver
