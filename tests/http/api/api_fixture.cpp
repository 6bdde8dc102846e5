#include "http/api/api_fixture.hpp"

#include "http/fake_modules.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <future>

namespace quicksilver::test {

using nlohmann::json;

namespace {

constexpr secrets::HashCost cheap{8192, 1};
constexpr auto grace = std::chrono::seconds(5);

constexpr const char* first_config = R"({
    "targets": {
        "pacs": {"target_type": "dicom", "ip": "10.0.0.1", "port": "104", "aet_target": "PACS"},
        "web": {"target_type": "dicomweb", "url": "http://10.0.0.2", "http_user": "u", "http_password": "hidden one"}},
    "modules": {"bone": {"docker_tag": "example/bone:1"}},
    "rules": {
        "ct": {"rule": "tags.Modality == 'CT'", "target": "pacs"},
        "mr": {"rule": "tags.Modality == 'MR'", "target": ["pacs", "web"], "processing_module": "bone",
               "action": "both"}},
    "bookkeeper_api_key": "hidden two"})";

ConfigSources make_sources(const TemporaryFolder& folder) {
    write_file(folder / "config.json", first_config);
    return ConfigSources{folder / "config.json", folder.path(), {{"PATH", "/usr/bin"}}, {}};
}

}  // namespace

ApiFixture::ApiFixture()
    : fake_modules(std::make_unique<FakeModules>()),
      modules(*fake_modules),
      administration(*Administration::open(folder / "administration.sqlite")),
      sources(make_sources(folder)),
      config(std::make_unique<ConfigHandle>(sources, load_config(sources))),
      journal(*Journal::open(folder / "quicksilver.sqlite")),
      setup_code_([this](const std::string& code) { setup_codes.push_back(code); }) {
    recent_log = std::make_shared<LogRing>(make_silent_log());
    recent_log->set_level(LogLevel::trace);
    ConfigHistory(*config, *administration).note_file(clock.wall_now());
    const auto make_routes = [this](const boost::asio::any_io_executor& io) {
        events_ = std::make_unique<EventHub>(io);
        operations_ = std::make_unique<Operations>(io, clock, *events_, Log(make_silent_log(), "http"));
        ApiServices services{administration_pool_,
                             readers_pool_,
                             passwords_pool_,
                             *administration,
                             *config,
                             history,
                             folders,
                             clock,
                             status,
                             setup_code_,
                             *events_,
                             control,
                             modules,
                             *operations_,
                             SystemInfo{"1.2.3", "abc", "radiology", clock.now()},
                             Log(make_silent_log(), "http")};
        services.hash_cost = cheap;
        services.recent_log = recent_log;
        Routes routes;
        add_api_routes(routes, std::move(services));
        return routes;
    };
    server_ = std::make_unique<RunningServer>(make_routes);
}

ApiFixture::~ApiFixture() {
    with_events([](EventHub& events) { events.close(); });
    server_->on_io(
        [this] { boost::asio::co_spawn(server_->context(), operations_->stop(grace), boost::asio::detached); });
    server_->stop();
    operations_.reset();
    events_.reset();
    server_.reset();
    for (auto* pool : {&administration_pool_, &readers_pool_, &passwords_pool_}) pool->join();
}

ApiAnswer ApiFixture::call(const std::string& method, const std::string& target, const nlohmann::json& body,
                           const Headers& headers) {
    if (body.is_null()) return call_raw(method, target, "", headers);
    Headers with_type = headers;
    with_type.emplace_back("Content-Type", "application/json");
    return call_raw(method, target, body.dump(), with_type);
}

ApiAnswer ApiFixture::call_raw(const std::string& method, const std::string& target, const std::string& body,
                               const Headers& headers) {
    std::string request =
        fmt::format("{} /api/v1{} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n", method, target, body.size());
    for (const auto& [name, value] : headers) request += fmt::format("{}: {}\r\n", name, value);
    HttpClient client(server_->port());
    const HttpAnswer got = client.exchange(request + "\r\n" + body);
    ApiAnswer answer;
    answer.status = got.status;
    answer.text = got.body;
    answer.headers = got.headers;
    if (got.header("Content-Type").find("json") != std::string::npos) {
        answer.body = nlohmann::json::parse(got.body, nullptr, false);
    }
    return answer;
}

template <class Work>
auto ApiFixture::on_administration(Work work) {
    std::packaged_task<std::invoke_result_t<Work>()> task(std::move(work));
    auto result = task.get_future();
    boost::asio::post(administration_pool_, [&task] { task(); });
    return result.get();
}

User ApiFixture::add_user(const std::string& name, Role role, bool phi) {
    return on_administration([&] {
        User user;
        user.username = name;
        user.role = role;
        user.phi = phi;
        return *Accounts(*administration).add(user, secrets::hash_password(good_password, cheap), clock.wall_now());
    });
}

std::pair<std::string, std::string> ApiFixture::token_of(const User& user, const std::set<std::string>& scopes) {
    const auto made = on_administration([&] {
        return Tokens(*administration)
            .add(user, "test", scopes, clock.wall_now() + std::chrono::hours(24), clock.wall_now());
    });
    return {"Authorization", "Bearer " + made.secret};
}

std::pair<std::string, std::string> ApiFixture::full_token(Role role, bool phi) {
    auto& token = tokens_[{role, phi}];
    if (token.first.empty()) {
        const User user = add_user(fmt::format("{}{}", to_string(role), phi ? "-phi" : ""), role, phi);
        token = token_of(user, {token_scopes().begin(), token_scopes().end()});
    }
    return token;
}

json ApiFixture::end_of(const ApiAnswer& accepted, const std::pair<std::string, std::string>& who) {
    const std::string target = accepted.headers.at("location").substr(std::string("/api/v1").size());
    json operation;
    for (int tries = 0; tries < 1000; ++tries) {
        operation = call("GET", target, nullptr, {who}).body;
        if (operation.at("state") != "running") return operation;
        advance(std::chrono::seconds(1));  // so that the limit of requests does not count
    }
    throw std::runtime_error("the operation does not end: " + operation.dump());
}

void ApiFixture::advance(std::chrono::seconds by) {
    server_->on_io([&] { clock.advance(by); });
}

void ApiFixture::with_events(const std::function<void(EventHub&)>& work) {
    server_->on_io([&] { work(*events_); });
}

Browser::Browser(ApiFixture& api, const std::string& username, const std::string& password) : api_(api) {
    const ApiAnswer answer = api.call("POST", "/session", {{"username", username}, {"password", password}});
    if (answer.status != 201) throw std::runtime_error("cannot sign in: " + answer.text);
    const std::string& set = answer.headers.at("set-cookie");
    cookie = set.substr(0, set.find(';'));
    csrf = answer.body.at("csrf_token");
}

ApiAnswer Browser::call(const std::string& method, const std::string& target, const nlohmann::json& body,
                        ApiFixture::Headers more) {
    more.emplace_back("Cookie", cookie);
    more.emplace_back("Origin", "http://localhost");
    more.emplace_back("X-CSRF-Token", csrf);
    return api_.call(method, target, body, more);
}

}  // namespace quicksilver::test
