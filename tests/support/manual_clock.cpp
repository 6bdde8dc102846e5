#include "support/manual_clock.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace quicksilver::test {

boost::asio::awaitable<void> ManualClock::wait_until(SteadyTime when) {
    boost::asio::steady_timer wakeup(co_await boost::asio::this_coro::executor, SteadyTime::max());
    const auto self = waiters_.emplace(waiters_.end());
    self->when = when;
    self->wakeup = &wakeup;
    boost::system::error_code ignored;
    bool cancelled = false;
    while (now() < when && !cancelled) {
        co_await wakeup.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
        const auto state = co_await boost::asio::this_coro::cancellation_state;
        cancelled = state.cancelled() != boost::asio::cancellation_type::none;
    }
    waiters_.erase(self);
    if (cancelled) throw boost::system::system_error(boost::asio::error::operation_aborted);
}

void ManualClock::advance(std::chrono::nanoseconds by) {
    now_ = now() + std::chrono::duration_cast<SteadyTime::duration>(by);
    wall_ = wall_now() + std::chrono::duration_cast<WallTime::duration>(by);
    for (Waiter& waiter : waiters_) {
        if (waiter.when <= now()) waiter.wakeup->cancel();
    }
}

std::size_t ManualClock::waiters() const {
    return static_cast<std::size_t>(
        std::count_if(waiters_.begin(), waiters_.end(), [this](const Waiter& waiter) { return waiter.when > now(); }));
}

}  // namespace quicksilver::test
