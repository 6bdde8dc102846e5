#pragma once

#include "quicksilver/core/clock.hpp"

#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <list>

namespace quicksilver::test {

/// A clock that moves only when told to, so that tests never wait. It is read from any thread, as the real one is;
/// waiting and moving it is for one.
class ManualClock final : public Clock {
public:
    SteadyTime now() const override { return now_; }
    WallTime wall_now() const override { return wall_; }
    boost::asio::awaitable<void> wait_until(SteadyTime when) override;

    /// Moves both clocks and wakes those whose time has come; they run when the context runs next.
    void advance(std::chrono::nanoseconds by);
    /// Somebody sets the wall clock; nobody who waits may notice.
    void set_wall(WallTime time) { wall_ = time; }
    /// Those whose time has not come.
    std::size_t waiters() const;

private:
    struct Waiter {
        SteadyTime when;
        boost::asio::steady_timer* wakeup;
    };
    std::atomic<SteadyTime> now_{SteadyTime(std::chrono::hours(1000))};
    std::atomic<WallTime> wall_{WallTime(std::chrono::seconds(1'790'000'000))};  // September 2026
    std::list<Waiter> waiters_;
};

}  // namespace quicksilver::test
