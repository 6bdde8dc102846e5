#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>

namespace quicksilver::test {

/// Runs one coroutine to its end on a context of its own, and rethrows what it throws. Fails the test after `limit`.
void run_coroutine(boost::asio::io_context& context, boost::asio::awaitable<void> coroutine,
                   std::chrono::seconds limit = std::chrono::seconds(30));

/// Calls `work` as a handler of the context. Cancelling coroutines from outside is not safe with Asio 1.26.
void run_handler(boost::asio::io_context& context, const std::function<void()>& work);

/// Runs the context until `done` says so. Fails the test after `limit`.
void run_until(boost::asio::io_context& context, const std::function<bool()>& done,
               std::chrono::seconds limit = std::chrono::seconds(30));

}  // namespace quicksilver::test
