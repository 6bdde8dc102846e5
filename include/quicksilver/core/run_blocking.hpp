#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace quicksilver {

namespace detail {
/// So that work without a result travels the same way as work with one.
template <class T>
using Boxed = std::conditional_t<std::is_void_v<T>, std::monostate, T>;
}  // namespace detail

/// Runs `work` on a pool thread and resumes the caller on its own executor with the result or the exception. The only
/// bridge from a coroutine to code that blocks.
/// The caller stays suspended until `work` returns, even when cancelled, so `work` may refer to its locals.
template <class Work, class T = std::invoke_result_t<Work&>>
boost::asio::awaitable<T> run_blocking(boost::asio::thread_pool& pool, Work work) {
    using Box = detail::Boxed<T>;
    auto start = [&pool, &work](auto handler) {
        auto home = boost::asio::make_work_guard(boost::asio::get_associated_executor(handler));
        boost::asio::post(pool, [&work, home = std::move(home), handler = std::move(handler)]() mutable {
            std::exception_ptr error;
            std::optional<Box> result;
            try {
                if constexpr (std::is_void_v<T>) {
                    work();
                    result.emplace();
                } else {
                    result.emplace(work());
                }
            } catch (...) {
                error = std::current_exception();
            }
            const auto executor = home.get_executor();
            boost::asio::post(executor, [handler = std::move(handler), error, result = std::move(result)]() mutable {
                std::move(handler)(error, std::move(result));
            });
        });
    };
    auto result = co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>,
                                                       void(std::exception_ptr, std::optional<Box>)>(
        start, boost::asio::use_awaitable);
    if constexpr (!std::is_void_v<T>) co_return std::move(*result);
}

}  // namespace quicksilver
