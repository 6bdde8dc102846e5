#pragma once

#include "quicksilver/core/config_loader.hpp"
#include "quicksilver/http/api.hpp"
#include "quicksilver/http/server.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace quicksilver {

/// The HTTP server with all it needs of its own: pools, the database of accounts, the setup code. Io thread only.
class WebSide {
public:
    struct Parts {
        boost::asio::any_io_executor io;
        const Config& config;  ///< of the start
        const Environment& environment;
        const Clock& clock;
        const StatusSource& status;
        Administration& administration;
        SystemInfo system;
        Log log;
    };

    explicit WebSide(Parts parts);

    Result<void> listen();
    std::string url() const { return server_->url(); }
    boost::asio::awaitable<void> stop(std::chrono::milliseconds grace);
    /// After stop(): waits for the pools.
    void join();

private:
    void announce_setup_code(const std::string& code);
    Result<void> make_first_admin();

    Parts parts_;
    boost::asio::thread_pool administration_pool_{1};
    boost::asio::thread_pool readers_pool_{2};
    boost::asio::thread_pool passwords_pool_{2};
    SetupCode setup_code_;
    std::unique_ptr<HttpServer> server_;
};

}  // namespace quicksilver
