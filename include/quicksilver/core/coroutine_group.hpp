#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <string>

namespace quicksilver {

/// Owns coroutines: starts them, cancels them, waits for their end. Io thread only.
/// Every coroutine has exactly one group; destroying a group that is not empty is a bug.
class CoroutineGroup {
public:
    /// Told of a coroutine that ended by an exception other than operation_aborted.
    using OnFailure = std::function<void(const std::string& name, std::exception_ptr failure)>;

    CoroutineGroup(boost::asio::any_io_executor executor, OnFailure on_failure);
    ~CoroutineGroup();
    CoroutineGroup(const CoroutineGroup&) = delete;
    CoroutineGroup& operator=(const CoroutineGroup&) = delete;

    void start(std::string name, boost::asio::awaitable<void> coroutine);
    /// Asks every coroutine to end at its next co_await. Asking twice is harmless. Only from a handler or coroutine of
    /// the executor: from outside, Asio 1.26 posts a pointer to a signal that may be gone when it is looked at.
    void cancel();
    /// Waits until all have ended or the time is over; true when all have ended.
    boost::asio::awaitable<bool> join(std::chrono::steady_clock::duration grace);

    std::size_t size() const { return members_.size(); }
    bool empty() const { return members_.empty(); }

private:
    struct Member {
        std::string name;
        boost::asio::cancellation_signal signal;
    };

    boost::asio::any_io_executor executor_;
    OnFailure on_failure_;
    std::list<Member> members_;
    boost::asio::steady_timer ended_;  // expires when the last member ends
};

}  // namespace quicksilver
