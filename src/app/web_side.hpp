#pragma once

#include "quicksilver/core/config_loader.hpp"
#include "quicksilver/core/coroutine_group.hpp"
#include "quicksilver/http/api.hpp"
#include "quicksilver/http/server.hpp"
#include "quicksilver/store/journal.hpp"

#include "live_news.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
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
        Clock& clock;
        const StatusSource& status;
        Administration& administration;
        const TaskFolders& folders;
        ConfigHandle& config_handle;
        Control& control;
        ModuleControl& modules;
        std::function<void(JournalEntry)> record;     ///< io thread: for the bookkeeper
        std::function<void()> configuration_changed;  ///< io thread: the interface has saved another one
        SystemInfo system;
        Log log;
        std::shared_ptr<const LogRing> recent_log;
        std::filesystem::path web_folder;  ///< empty: the files in the program
    };

    explicit WebSide(Parts parts);

    Result<void> listen();
    /// Live events of what was written down.
    void tell(const JournalEntry& entry);
    std::string url() const { return server_->url(); }
    boost::asio::awaitable<void> stop(std::chrono::milliseconds grace);
    /// After a reload: keeps what counts now as a revision, if somebody has changed the file by hand.
    boost::asio::awaitable<void> note_configuration();
    /// After stop(): waits for the pools.
    void join();

private:
    void announce_setup_code(const std::string& code);
    Result<void> make_first_admin();
    void note_file();
    boost::asio::awaitable<void> tell_pipeline();
    boost::asio::awaitable<void> watch_certificate();
    boost::asio::awaitable<void> prune_audit();
    void configuration_changed(const std::string& user, const ConfigChange& change);
    void tell_configuration(std::int64_t revision, const std::string& user, const nlohmann::json& changes);

    Parts parts_;
    boost::asio::thread_pool administration_pool_{1};
    static constexpr unsigned readers = 2;
    boost::asio::thread_pool readers_pool_{readers};
    boost::asio::thread_pool passwords_pool_{2};
    HistoryConnections history_;
    SetupCode setup_code_;
    EventHub events_;
    Operations operations_;
    std::shared_ptr<SignInWatch> sign_in_watch_ = std::make_shared<SignInWatch>();
    LiveNews news_;
    CoroutineGroup background_;
    std::unique_ptr<HttpServer> server_;
};

}  // namespace quicksilver
