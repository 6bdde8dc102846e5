#include "quicksilver/core/coroutine_group.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <cassert>

namespace quicksilver {

namespace {

bool is_cancellation(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const boost::system::system_error& e) {
        return e.code() == boost::asio::error::operation_aborted;
    } catch (...) {
        return false;
    }
}

}  // namespace

CoroutineGroup::CoroutineGroup(boost::asio::any_io_executor executor, OnFailure on_failure)
    : executor_(executor), on_failure_(std::move(on_failure)), ended_(executor) {}

CoroutineGroup::~CoroutineGroup() {
    assert(members_.empty());
}

void CoroutineGroup::start(std::string name, boost::asio::awaitable<void> coroutine) {
    const auto member = members_.emplace(members_.end());
    member->name = std::move(name);
    auto finished = [this, member](std::exception_ptr failure) {
        const std::string ended = std::move(member->name);
        members_.erase(member);
        if (members_.empty()) ended_.cancel();
        if (failure && !is_cancellation(failure) && on_failure_) on_failure_(ended, failure);
    };
    boost::asio::co_spawn(executor_, std::move(coroutine),
                          boost::asio::bind_cancellation_slot(member->signal.slot(), finished));
}

void CoroutineGroup::cancel() {
    // A coroutine may end, and remove itself, while its signal is emitted.
    for (auto member = members_.begin(); member != members_.end();) {
        auto& current = *member++;
        current.signal.emit(boost::asio::cancellation_type::terminal);
    }
}

boost::asio::awaitable<bool> CoroutineGroup::join(std::chrono::steady_clock::duration grace) {
    ended_.expires_after(grace);
    while (!members_.empty() && ended_.expiry() > std::chrono::steady_clock::now()) {
        boost::system::error_code ignored;
        co_await ended_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    }
    co_return members_.empty();
}

}  // namespace quicksilver
