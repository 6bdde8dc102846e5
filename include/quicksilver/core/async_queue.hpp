#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

namespace quicksilver {

/// A bounded queue between two stages, with one consumer. Io thread only.
/// A waiter that is cancelled leaves nothing behind, unlike Asio's channel in Boost 1.81.
template <class T>
class AsyncQueue {
public:
    AsyncQueue(const boost::asio::any_io_executor& executor, std::size_t capacity)
        : wakeup_(executor, boost::asio::steady_timer::time_point::max()), capacity_(capacity) {}

    /// False when full or closed: the item stays on disk and the next folder scan brings it back.
    bool push(T item) {
        if (closed_ || items_.size() >= capacity_) return false;
        items_.push_back(std::move(item));
        wakeup_.cancel_one();
        return true;
    }

    /// The next item, or nothing once the queue is closed and empty, or when the caller is cancelled.
    boost::asio::awaitable<std::optional<T>> pop() {
        while (items_.empty() && !closed_) {
            boost::system::error_code ignored;  // the timer never expires: waking up is always a "cancel"
            co_await wakeup_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
            const auto state = co_await boost::asio::this_coro::cancellation_state;
            if (state.cancelled() != boost::asio::cancellation_type::none) break;
        }
        if (items_.empty()) co_return std::nullopt;
        std::optional<T> item(std::move(items_.front()));
        items_.pop_front();
        co_return item;
    }

    /// No more items; the consumer still gets what is queued.
    void close() {
        closed_ = true;
        wakeup_.cancel();
    }

    std::size_t size() const { return items_.size(); }
    /// What waits, next first.
    const std::deque<T>& items() const { return items_; }
    std::size_t capacity() const { return capacity_; }

private:
    boost::asio::steady_timer wakeup_;
    std::deque<T> items_;
    std::size_t capacity_;
    bool closed_ = false;
};

}  // namespace quicksilver
