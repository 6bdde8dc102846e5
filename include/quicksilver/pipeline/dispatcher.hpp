#pragma once

#include "quicksilver/core/coroutine_group.hpp"
#include "quicksilver/core/stop_flag.hpp"
#include "quicksilver/pipeline/stage_context.hpp"
#include "quicksilver/pipeline/targets/target.hpp"
#include "quicksilver/store/task_file.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace quicksilver {

/// Delivery: every target has a queue of its own and works it off beside the others, so a slow or dead one costs the
/// others nothing. A task goes to all its targets; when all have it, it moves to success/, otherwise it is tried again
/// for those that have it not, and at last moves to error/ with the reason.
/// Io thread only; targets send on the sends pool.
class Dispatcher {
public:
    struct TargetState {
        std::size_t waiting = 0;
        std::size_t in_flight = 0;
        std::size_t retrying = 0;  ///< wait for their next attempt
        std::optional<Seconds> oldest;
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
    ~Dispatcher();

    /// A task lies in outgoing/. Telling twice is harmless.
    void add(const std::string& task_id);

    /// Delivers until close(); looks for tasks that nobody told us of at once and then every minute.
    boost::asio::awaitable<void> run();
    /// Begins nothing new; what is being sent goes on.
    void close();
    /// Asks what is being sent to stop at its next stop point. After close().
    void stop();
    /// Waits for what is being sent; false when the grace is over first.
    boost::asio::awaitable<bool> join(std::chrono::steady_clock::duration grace);

    Status status() const;

private:
    struct Task;
    struct TargetQueue;
    using TaskPtr = std::shared_ptr<Task>;

    boost::asio::awaitable<void> look_around();
    boost::asio::awaitable<void> load(TaskPtr task);
    TargetQueue& queue_of(const std::string& target);
    void enqueue(const TaskPtr& task);
    void start_deliveries();
    boost::asio::awaitable<void> deliver(TaskPtr task, std::string target);
    Result<Receipt> send_blocking(Delivery& delivery, const std::string& target_name, Target& target);
    boost::asio::awaitable<void> target_ended(TaskPtr task, std::string target, Result<Receipt> result);
    boost::asio::awaitable<void> attempt_ended(TaskPtr task);
    boost::asio::awaitable<void> succeed(TaskPtr task);
    boost::asio::awaitable<void> give_up(TaskPtr task, std::string reason);
    void retry_later(TaskPtr task, Seconds delay);
    boost::asio::awaitable<void> wake_after(TaskPtr task, Seconds delay);
    std::optional<Seconds> delay_after_failure(const Task& task) const;
    bool has_deliveries(const std::string& series_uid) const;
    Result<std::shared_ptr<Target>> target_for(const std::string& name);

    StageContext context_;
    boost::asio::thread_pool& sends_;
    const TargetRegistry& registry_;
    std::map<std::string, TaskPtr> tasks_;  // by id; each lies in outgoing/
    std::set<std::string> stuck_;           // ids of tasks that cannot be delivered, and of which that was said
    std::map<std::string, std::unique_ptr<TargetQueue>> queues_;
    std::shared_ptr<const Config> targets_config_;  // the configuration that targets_ were made from
    std::map<std::string, std::shared_ptr<Target>> targets_;
    StopFlag stop_{false};
    bool closed_ = false;
    bool halted_ = false;
    std::uint64_t completed_total_ = 0;
    std::uint64_t failed_total_ = 0;
    CoroutineGroup working_;   // loading, sending, moving
    CoroutineGroup sleeping_;  // waiting for the next attempt
};

}  // namespace quicksilver
