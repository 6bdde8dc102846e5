#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/http/event_hub.hpp"

#include "api.hpp"

#include <fmt/format.h>

#include <map>

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

constexpr auto heartbeat = std::chrono::seconds(15);
constexpr auto recheck = std::chrono::seconds(60);
constexpr int streams_of_one_max = 8;

const std::set<std::string> known_topics = {"pipeline",  "series", "targets",    "storage", "config",
                                            "attention", "log",    "operations", "tasks",   "modules"};

using Counts = std::map<std::string, int>;  // open streams of a session or token

/// The stream of one client, which ends when its session does.
class EventStream final : public BodySource {
public:
    EventStream(std::shared_ptr<const Api> api, std::unique_ptr<EventHub::Client> client, Credentials credentials,
                HttpRequest request, std::shared_ptr<Counts> counts, std::string owner)
        : api_(std::move(api)),
          client_(std::move(client)),
          credentials_(std::move(credentials)),
          request_(std::move(request)),
          counts_(std::move(counts)),
          owner_(std::move(owner)),
          checked_(api_->services().clock.now()) {
        ++(*counts_)[owner_];
    }
    ~EventStream() override {
        if (--(*counts_)[owner_] == 0) counts_->erase(owner_);
    }

    asio::awaitable<std::optional<std::string>> next() override {
        const ApiServices& services = api_->services();
        if (!greeted_) {
            greeted_ = true;
            co_return client_->greeting(services.system.version, rfc3339(services.clock.wall_now()),
                                        !client_->was_replayed());
        }
        if (services.clock.now() - checked_ >= recheck) {
            checked_ = services.clock.now();
            const WallTime now = services.clock.wall_now();
            auto find = [&] { return api_->find_principal(credentials_, request_, now).has_value(); };
            const bool still_there = co_await run_blocking(services.administration_pool, find);
            if (!still_there) co_return std::nullopt;
        }
        co_return co_await client_->next(heartbeat);
    }

private:
    std::shared_ptr<const Api> api_;
    std::unique_ptr<EventHub::Client> client_;
    Credentials credentials_;
    HttpRequest request_;
    std::shared_ptr<Counts> counts_;
    std::string owner_;
    SteadyTime checked_;
    bool greeted_ = false;
};

std::set<std::string> topics_of(const std::string& list) {
    if (list.empty()) return known_topics;
    std::set<std::string> topics;
    std::string_view rest = list;
    while (!rest.empty()) {
        const std::string_view topic = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(topic.size() + 1, rest.size()));
        if (!known_topics.contains(std::string(topic))) {
            throw invalid("Something is wrong with the parameters.",
                          {{"?topics", "choice", fmt::format("there is no topic {}", topic)}});
        }
        topics.emplace(topic);
    }
    return topics;
}

asio::awaitable<HttpResponse> open_stream(const Api& api, Call& call, std::shared_ptr<Counts> counts) {
    const auto topics = topics_of(call.query("topics"));
    const std::string owner = call.who->session_id + call.who->token_id;
    const auto open = counts->find(owner);
    auto client = open != counts->end() && open->second >= streams_of_one_max
                      ? nullptr
                      : api.services().events.join(topics, call.query("series"), call.request.header("Last-Event-ID"));
    if (!client) {
        throw ProblemError(503, "too_many_streams", "Too many live streams are open; close one of them.")
            .with_header("Retry-After", "30");
    }
    HttpResponse response;
    response.content_type = "text/event-stream";
    response.headers.emplace_back("X-Accel-Buffering", "no");
    response.stream = std::make_shared<EventStream>(api.shared_from_this(), std::move(client),
                                                    read_credentials(call.request), call.request, counts, owner);
    co_return response;
}

}  // namespace

void add_event_operations(Api& api) {
    const auto counts = std::make_shared<Counts>();
    api.wait({.method = "GET",
              .path = "/events",
              .id = "streamEvents",
              .summary = "What happens, as server-sent events",
              .tag = "events",
              .query = {{"topics", schema::text(200),
                         "pipeline, series, tasks, modules, targets, storage, config, attention, log, "
                         "operations, with commas; without it, all."},
                        {"series", schema::text(64), "Of series, only this one."}},
              .answer = schema::text(),
              .answer_type = "text/event-stream"},
             [&api, counts](Call& call) { return open_stream(api, call, counts); });
}

}  // namespace quicksilver::api
