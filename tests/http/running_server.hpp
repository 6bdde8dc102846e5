#pragma once

#include "quicksilver/http/server.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <thread>

namespace quicksilver::test {

/// A real server on a free port of 127.0.0.1, with its io thread. Stopped when it goes out of scope.
class RunningServer {
public:
    explicit RunningServer(Routes routes, HttpLimits limits = {}, HttpConfig config = {});
    /// For routes that need the io thread's executor.
    explicit RunningServer(const std::function<Routes(boost::asio::any_io_executor)>& make_routes);
    ~RunningServer();
    RunningServer(const RunningServer&) = delete;
    RunningServer& operator=(const RunningServer&) = delete;

    std::uint16_t port() const { return port_; }
    std::string url() const { return url_; }
    boost::asio::io_context& context() { return context_; }
    /// Begins to stop, and returns when the server has.
    void stop(std::chrono::milliseconds grace = std::chrono::seconds(5));
    /// HttpServer::renew_certificate.
    bool renew_certificate();
    /// Runs `work` on the io thread and waits for it.
    void on_io(const std::function<void()>& work);

private:
    void start();

    boost::asio::io_context context_;
    HttpServer server_;
    std::uint16_t port_ = 0;
    std::string url_;
    bool stopped_ = false;
    std::thread thread_;
};

/// Answers with `text`.
HttpHandler answer_with(std::string text);

/// /hello answers "hello", POST /echo with the body it got.
Routes plain_routes();

}  // namespace quicksilver::test
