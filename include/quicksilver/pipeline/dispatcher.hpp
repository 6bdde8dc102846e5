#pragma once

#include "quicksilver/core/coroutine_group.hpp"
#include "quicksilver/core/stop_flag.hpp"
#include "quicksilver/pipeline/delivery_control.hpp"
#include "quicksilver/pipeline/stage_context.hpp"
#include "quicksilver/pipeline/target_choice.hpp"
#include "quicksilver/pipeline/targets/target.hpp"
#include "quicksilver/store/task_file.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace quicksilver {

/// Delivery: every target has a queue of its own and works it off beside the others, so a slow or dead one costs the
/// others nothing. A task goes to all its targets, each with its own attempts; when all have it, it moves to success/;
/// when one is given up and the others have ended, it moves to error/ with the reason.
/// Io thread only; targets send on the sends pool.
class Dispatcher final : public DeliveryControl {
public:
    struct TargetState {
        std::size_t waiting = 0;
        std::size_t offpeak = 0;  ///< of those: wait for the off-peak hours
        std::size_t in_flight = 0;
        std::size_t retrying = 0;  ///< wait for their next attempt
        std::optional<Seconds> oldest;
        bool paused = false;
        bool draining = false;
        bool down = false;     ///< cannot be reached; looked for now and then
        bool probing = false;  ///< being looked for right now
        std::uint64_t attempts_total = 0;
        std::uint64_t delivered_total = 0;
        std::uint64_t failed_total = 0;
        std::uint64_t instances_total = 0;
        std::uint64_t bytes_total = 0;
        std::string last_error;
    };
    struct Status {
        bool halted = false;
        std::size_t waiting = 0;    ///< tasks of which nothing is being sent now
        std::size_t in_flight = 0;  ///< deliveries
        std::optional<Seconds> oldest;
        std::uint64_t completed_total = 0;
        std::uint64_t failed_total = 0;  ///< tasks given up
        std::map<std::string, TargetState> targets;
    };

    Dispatcher(StageContext context, boost::asio::thread_pool& sends, const TargetRegistry& registry);
    ~Dispatcher() override;

    /// A task lies in outgoing/. Telling twice is harmless.
    void add(const std::string& task_id);
    /// A target has answered whether it commits to keep the task: what waits for that goes on at once.
    void commitment_reported(const std::string& task_id, const std::string& target);

    /// Delivers until close(); looks for tasks that nobody told us of at once and then every minute.
    boost::asio::awaitable<void> run();
    /// Begins nothing new; what is being sent goes on.
    void close();
    /// Asks what is being sent to stop at its next stop point. After close().
    void stop();
    /// Waits for what is being sent; false when the grace is over first.
    boost::asio::awaitable<bool> join(std::chrono::steady_clock::duration grace);

    Status status() const;

    boost::asio::awaitable<Result<void>> pause(std::string target) override;
    boost::asio::awaitable<Result<void>> resume(std::string target) override;
    boost::asio::awaitable<Result<void>> drain(std::string target) override;
    Result<void> retry_now(const std::string& target) override;
    boost::asio::awaitable<Result<void>> suspend_all() override;
    boost::asio::awaitable<Result<void>> resume_all() override;
    boost::asio::awaitable<Result<void>> cancel(std::string task_id) override;
    boost::asio::awaitable<Result<void>> resend(std::string task_id, Resend what) override;
    boost::asio::awaitable<Result<std::string>> send_to(std::string task_id, std::vector<std::string> targets) override;
    Result<void> put_first(const std::string& task_id) override;
    boost::asio::awaitable<Result<std::vector<TestStep>>> test(std::string target, std::shared_ptr<const StopFlag> stop,
                                                               TargetTest::Observer on_step) override;

    /// The targets that are paused, in outgoing/, so that a restart does not resume them.
    static constexpr const char* paused_file = ".paused.json";

private:
    struct Share;
    struct Task;
    struct TargetQueue;
    using TaskPtr = std::shared_ptr<Task>;

    // dispatcher.cpp: tasks come in, wait, and are sent
    boost::asio::awaitable<void> look_around();
    boost::asio::awaitable<void> load(TaskPtr task);
    void begin(const TaskPtr& task);
    void place(const TaskPtr& task, Share& share);
    TargetQueue& queue_of(const std::string& target);
    TargetLoad load_of(const std::string& target) const;
    std::vector<std::string> candidates(const Task& task, const Share& share) const;
    boost::asio::awaitable<void> note_unreachable();
    void start_deliveries();
    void start_deliveries_of(const std::string& target, TargetQueue& queue);
    boost::asio::awaitable<void> deliver(TaskPtr task, std::string share_name, std::string via);
    Result<Receipt> send_blocking(Delivery& delivery, const std::string& target_name, Target& target,
                                  const StopFlag& stop);
    Result<std::shared_ptr<Target>> target_for(const std::string& name);
    void configuration_changed();
    void move_to(const std::string& name, TargetQueue& former);
    boost::asio::awaitable<void> rest(std::shared_ptr<Target> target);
    void start_probes();
    boost::asio::awaitable<void> probe(std::string target);

    // dispatch_outcome.cpp: what became of a delivery
    boost::asio::awaitable<void> delivery_ended(TaskPtr task, std::string share_name, std::string via,
                                                bool fixed_address, Result<Receipt> result);
    void delivered(Task& task, Share& share, const Receipt& receipt);
    void connection_lost(const std::string& target, const std::string& reason);
    void target_answered(const std::string& target);
    void wake_those_waiting_for(const std::string& target, std::size_t most);
    boost::asio::awaitable<void> share_failed(TaskPtr task, std::string share_name, Error error, bool unreachable);
    boost::asio::awaitable<void> save(TaskPtr task);
    void retry_later(const TaskPtr& task, Share& share, Seconds delay);
    boost::asio::awaitable<void> wake_at(TaskPtr task, std::string share_name, SteadyTime when);
    boost::asio::awaitable<void> leave_if_ended(TaskPtr task);
    boost::asio::awaitable<bool> succeed(TaskPtr task);
    boost::asio::awaitable<bool> give_up(TaskPtr task, std::string reason);
    boost::asio::awaitable<void> leave_after(TaskPtr task, Seconds delay);
    void forget(const TaskPtr& task);

    // dispatch_control.cpp
    boost::asio::awaitable<void> read_paused();
    boost::asio::awaitable<Result<void>> write_paused();
    boost::asio::awaitable<Result<void>> set_halted(bool halted);
    Result<void> require_target(const std::string& target) const;
    Result<TaskPtr> delivering_task(const std::string& task_id) const;
    Result<std::string> bring_back(const std::string& task_id, Resend what) const;
    std::string take_copy(const std::string& task_id, const TaskFile& copy);
    Result<TaskFile> make_copy(const std::string& task_id, const std::vector<std::string>& targets) const;
    void end_drain(TargetQueue& queue);

    StageContext context_;
    boost::asio::thread_pool& sends_;
    const TargetRegistry& registry_;
    std::map<std::string, TaskPtr> tasks_;       // by id; each lies in outgoing/
    std::map<std::string, std::size_t> series_;  // UID → how many of these tasks have it
    std::set<std::string> stuck_;                // ids of tasks that cannot be delivered, and of which that was said
    std::map<std::string, std::unique_ptr<TargetQueue>> queues_;
    std::shared_ptr<const Config> targets_config_;  // the configuration that targets_ were made from
    std::map<std::string, std::shared_ptr<Target>> targets_;
    std::minstd_rand random_{std::random_device{}()};
    StopFlag stop_{false};
    bool closed_ = false;
    bool halted_ = false;
    std::deque<std::pair<TaskPtr, std::string>> unreachable_;  // shares whose failure is still to be noted
    bool starting_ = false;  // within start_deliveries, which what it starts may call again
    bool start_again_ = false;
    std::uint64_t completed_total_ = 0;
    std::uint64_t failed_total_ = 0;
    CoroutineGroup working_;   // loading, sending, moving
    CoroutineGroup sleeping_;  // waiting for the next attempt
};

}  // namespace quicksilver
