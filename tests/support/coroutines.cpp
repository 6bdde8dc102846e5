#include "support/coroutines.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <exception>
#include <stdexcept>

namespace quicksilver::test {

void run_coroutine(boost::asio::io_context& context, boost::asio::awaitable<void> coroutine,
                   std::chrono::seconds limit) {
    bool ended = false;
    std::exception_ptr failure;
    boost::asio::co_spawn(context, std::move(coroutine), [&](std::exception_ptr e) {
        ended = true;
        failure = e;
    });
    run_until(
        context, [&] { return ended; }, limit);
    if (failure) std::rethrow_exception(failure);
}

void run_handler(boost::asio::io_context& context, const std::function<void()>& work) {
    bool done = false;
    boost::asio::post(context, [&] {
        work();
        done = true;
    });
    run_until(context, [&] { return done; });
}

void run_until(boost::asio::io_context& context, const std::function<bool()>& done, std::chrono::seconds limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!done()) {
        if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("run_until: the limit is over");
        context.restart();
        context.run_one_for(std::chrono::milliseconds(20));
    }
}

}  // namespace quicksilver::test
