#include "quicksilver/http/event_hub.hpp"

#include "api.hpp"
#include "live_stream.hpp"

#include <fmt/format.h>

#include <memory>
#include <set>

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

const std::set<std::string> known_topics = {"pipeline", "series",     "targets", "storage", "config", "attention",
                                            "log",      "operations", "tasks",   "modules", "sources"};

/// The stream of one client, which ends when its session does.
class EventStream final : public BodySource {
public:
    EventStream(const Api& api, const Call& call, std::unique_ptr<EventHub::Client> client)
        : services_(api.services()), live_(api, call), client_(std::move(client)) {}

    asio::awaitable<std::optional<std::string>> next() override {
        if (!greeted_) {
            greeted_ = true;
            co_return client_->greeting(services_.system.version, rfc3339(services_.clock.wall_now()),
                                        !client_->was_replayed());
        }
        const bool goes_on = co_await live_.may_go_on();
        if (!goes_on) co_return std::nullopt;
        co_return co_await client_->next(LiveStream::heartbeat);
    }

private:
    const ApiServices& services_;
    LiveStream live_;
    std::unique_ptr<EventHub::Client> client_;
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

asio::awaitable<HttpResponse> open_stream(const Api& api, const Call& call) {
    const auto topics = topics_of(call.query("topics"));
    auto client = api.services().events.join(topics, call.query("series"), call.request.header("Last-Event-ID"));
    if (!client) {
        throw ProblemError(503, "too_many_streams", "Too many live streams are open; close one of them.")
            .with_header("Retry-After", "30");
    }
    co_return LiveStream::answer(std::make_shared<EventStream>(api, call, std::move(client)));
}

}  // namespace

void add_event_operations(Api& api) {
    api.wait({.method = "GET",
              .path = "/events",
              .id = "streamEvents",
              .summary = "What happens, as server-sent events",
              .tag = "events",
              .query = {{"topics", schema::text(200),
                         "pipeline, series, tasks, modules, targets, sources, storage, config, attention, "
                         "log, operations, with commas; without it, all."},
                        {"series", schema::text(64), "Of series and their tasks, only this one, with its timeline."}},
              .answer = schema::text(),
              .answer_type = "text/event-stream"},
             [&api](Call& call) { return open_stream(api, call); });
}

}  // namespace quicksilver::api
