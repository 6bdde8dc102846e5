#include "quicksilver/http/problem.hpp"

#include "api.hpp"

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
    return schema::object({{"server_time", schema::time()},
                           {"uptime_s", schema::number()},
                           {"version", schema::text()},
                           {"appliance", schema::text()},
                           {"build", schema::text()}});
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
             [&services](Call&) { return at_once(make_json(system_json(services.clock, services.system))); });
    api.wait({.method = "GET",
              .path = "/pipeline",
              .id = "getPipeline",
              .summary = "The stages, targets and storage as they are now",
              .tag = tag,
              .answer = schema::any_object()},
             [&services](Call&) {
                 return at_once(make_json(pipeline_json(services.status, services.clock, services.system)));
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
