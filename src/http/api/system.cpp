#include "quicksilver/http/event_hub.hpp"
#include "quicksilver/http/limits.hpp"
#include "quicksilver/http/problem.hpp"
#include "quicksilver/store/statistics.hpp"

#include "config_editing.hpp"
#include "sources.hpp"
#include "system_facts.hpp"

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

asio::awaitable<HttpResponse> at_once(HttpResponse response) {
    co_return response;
}

/// Made once, when every operation has been added: it is large, and anyone may ask for it.
class Description {
public:
    HttpResponse show(const Api& api, const Call& call) {
        if (etag_.empty() || prefix_ != call.request.prefix) {
            prefix_ = call.request.prefix;
            made_ = make_json(api.openapi(prefix_));
            etag_ = "\"" + secrets::digest(made_.body).substr(0, 32) + "\"";
        }
        return with_etag(call, made_, etag_);
    }

private:
    std::string prefix_;
    HttpResponse made_;
    std::string etag_;
};

Json system_schema() {
    return schema::object(
        {{"server_time", schema::time()},
         {"uptime_s", schema::number()},
         {"version", schema::text()},
         {"appliance", schema::text()},
         {"build", schema::text()},
         {"time_zone", schema::object({{"name", schema::text()}, {"offset_s", schema::integer(-86'400, 86'400)}})},
         {"features", schema::any_object()},
         {"limits", schema::any_object()},
         {"licences", schema::list_of(schema::object({{"name", schema::text()}, {"licence", schema::text()}}))}});
}

/// Who listens to the live events applies those with a greater number than `seq` to this.
asio::awaitable<HttpResponse> show_pipeline(const Api& api, const Call& call, KnownSources& known) {
    const ApiServices& services = api.services();
    const std::string since = rfc3339(call.now - std::chrono::hours(24));
    auto question = [since](History& history) { return Json(Statistics(history.connection()).failures(since)); };
    const Json failures = co_await ask_if_possible(api, question);
    const Json sources = co_await known.look(call);
    Json content = pipeline_json(services.status, services.clock, services.system);
    for (auto& [name, stage] : content["stages"].items()) {
        stage["failed_24h"] = failures.is_object() ? failures.value(name, Json()) : Json();
    }
    content["sources"] = sources;
    content["boot"] = services.events.boot();
    content["seq"] = services.events.last_number();
    co_return make_json(content);
}

}  // namespace

void add_system_operations(Api& api) {
    const std::string tag = "system";
    const ApiServices& services = api.services();
    api.wait({.method = "GET",
              .path = "/system",
              .id = "getSystem",
              .summary = "Version, uptime, name",
              .tag = tag,
              .answer = system_schema()},
             [&services](Call& call) {
                 Json content = system_json(services.clock, services.system);
                 content.update(system_facts(*services.config.snapshot(), call.now));
                 return at_once(make_json(content));
             });
    api.wait({.method = "GET",
              .path = "/pipeline",
              .id = "getPipeline",
              .summary = "The stages, sources, targets and storage as they are now",
              .tag = tag,
              .answer = schema::any_object()},
             [&api, sources = std::make_shared<KnownSources>(api)](Call& call) {
                 return show_pipeline(api, call, *sources);
             });
    api.wait({.method = "GET",
              .path = "/openapi.json",
              .id = "getOpenApi",
              .summary = "This interface, as OpenAPI 3.1",
              .tag = tag,
              .access = Access::anyone,
              .answer = schema::any_object(),
              .also = {304}},
             [&api, description = std::make_shared<Description>()](Call& call) {
                 return at_once(description->show(api, call));
             });
}

}  // namespace quicksilver::api
