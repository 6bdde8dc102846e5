#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/core/stop_flag.hpp"
#include "quicksilver/pipeline/targets/target_test.hpp"

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>
#include <vector>

namespace quicksilver {

/// What a person may ask of delivery. Io thread only. Each returns when it is done and durable; the errors say what to
/// do instead.
class DeliveryControl {
public:
    /// How much of a task is sent again.
    enum class Resend {
        missing,  ///< what its targets have not confirmed
        all,
    };

    virtual ~DeliveryControl() = default;

    /// Begins no delivery to the target; those that run go on. Also after a restart.
    virtual boost::asio::awaitable<Result<void>> pause(std::string target) = 0;
    virtual boost::asio::awaitable<Result<void>> resume(std::string target) = 0;
    /// Delivers what waits for the target now, holds what comes later, and pauses when the first is done.
    virtual boost::asio::awaitable<Result<void>> drain(std::string target) = 0;
    /// Looks at once whether the target is back, and tries at once what waits for its next attempt. These attempts do
    /// not count.
    virtual Result<void> retry_now(const std::string& target) = 0;

    /// All targets, by mercure's HALT file.
    virtual boost::asio::awaitable<Result<void>> suspend_all() = 0;
    virtual boost::asio::awaitable<Result<void>> resume_all() = 0;

    /// Takes a task out of delivery and moves it to error/; what is being sent stops at its next stop point.
    virtual boost::asio::awaitable<Result<void>> cancel(std::string task_id) = 0;
    /// A task of success/ or error/ goes back to outgoing/; one that waits for its next attempt is tried at once.
    virtual boost::asio::awaitable<Result<void>> resend(std::string task_id, Resend what) = 0;
    /// Sends the files of a task of outgoing/, success/ or error/ to these targets, as a task of its own, whose id is
    /// returned. The original stays as it is.
    virtual boost::asio::awaitable<Result<std::string>> send_to(std::string task_id,
                                                                std::vector<std::string> targets) = 0;
    /// Before all others in the queues of its targets, whatever its priority and the hour.
    virtual Result<void> put_first(const std::string& task_id) = 0;

    /// Tests a target of the configuration step by step, until `stop`; `on_step` is called on the io thread as each
    /// ends.
    virtual boost::asio::awaitable<Result<std::vector<TestStep>>> test(std::string target,
                                                                       std::shared_ptr<const StopFlag> stop,
                                                                       TargetTest::Observer on_step) = 0;
};

}  // namespace quicksilver
