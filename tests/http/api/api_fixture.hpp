#pragma once

#include "quicksilver/http/api.hpp"
#include "quicksilver/store/journal.hpp"
#include "quicksilver/store/task_folders.hpp"

#include "http/fake_control.hpp"
#include "http/fake_status_source.hpp"
#include "http/http_client.hpp"
#include "http/running_server.hpp"
#include "support/manual_clock.hpp"
#include "support/temporary_folder.hpp"

#include <nlohmann/json.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace quicksilver::test {

struct FakeModules;

struct ApiAnswer {
    unsigned status = 0;
    nlohmann::json body;  ///< null when there is none
    std::string text;
    std::map<std::string, std::string> headers;  ///< names in lower case
};

/// The whole interface behind a real server, with cheap password hashes and a clock moved by hand.
class ApiFixture {
public:
    ApiFixture();
    ~ApiFixture();

    using Headers = std::vector<std::pair<std::string, std::string>>;
    /// `target` below /api/v1. A body is sent as application/json.
    ApiAnswer call(const std::string& method, const std::string& target, const nlohmann::json& body = nullptr,
                   const Headers& headers = {});
    ApiAnswer call_raw(const std::string& method, const std::string& target, const std::string& body,
                       const Headers& headers);

    /// A user made in the database; the password is `good_password`.
    User add_user(const std::string& name, Role role, bool phi = false);
    /// The Authorization header of a token with these scopes.
    std::pair<std::string, std::string> token_of(const User& user, const std::set<std::string>& scopes);
    /// A token with every scope that the role and the permission allow.
    std::pair<std::string, std::string> full_token(Role role, bool phi);

    /// Waits for the end of the operation that a request has begun, and returns it.
    nlohmann::json end_of(const ApiAnswer& accepted, const std::pair<std::string, std::string>& who);

    void advance(std::chrono::seconds by);
    /// Runs `work` with the hub of live events, on the io thread.
    void with_events(const std::function<void(EventHub&)>& work);
    std::uint16_t port() const { return server_->port(); }

    static constexpr const char* good_password = "seven quiet otters";

    TemporaryFolder folder;
    ManualClock clock;
    FakeStatusSource status;
    FakeControl control;
    std::unique_ptr<FakeModules> fake_modules;
    FakeModules& modules;
    std::shared_ptr<LogRing> recent_log;
    std::vector<std::string> setup_codes;
    std::unique_ptr<Administration> administration;
    ConfigSources sources;
    std::unique_ptr<ConfigHandle> config;
    std::unique_ptr<Journal> journal;
    HistoryConnections history{folder / "quicksilver.sqlite"};
    std::unique_ptr<FileOps> ops = make_file_ops();
    TaskFolders folders{*ops, clock, config->snapshot()->folders};

private:
    template <class Work>
    auto on_administration(Work work);

    boost::asio::thread_pool administration_pool_{1};
    boost::asio::thread_pool readers_pool_{1};
    boost::asio::thread_pool passwords_pool_{1};
    SetupCode setup_code_;
    std::unique_ptr<EventHub> events_;
    std::unique_ptr<Operations> operations_;
    std::map<std::pair<Role, bool>, std::pair<std::string, std::string>> tokens_;
    std::unique_ptr<RunningServer> server_;
};

/// A browser that has signed in: sends its cookie, Origin and CSRF token.
class Browser {
public:
    Browser(ApiFixture& api, const std::string& username, const std::string& password = ApiFixture::good_password);

    ApiAnswer get(const std::string& target) { return call("GET", target); }
    ApiAnswer call(const std::string& method, const std::string& target, const nlohmann::json& body = nullptr,
                   ApiFixture::Headers more = {});

    std::string cookie;
    std::string csrf;

private:
    ApiFixture& api_;
};

}  // namespace quicksilver::test
