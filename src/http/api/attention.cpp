#include "quicksilver/http/problem.hpp"

#include "api.hpp"

#include <fmt/format.h>

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

Json item(const std::string& id, const char* severity, const std::string& text) {
    return {{"id", id}, {"severity", severity}, {"text", text}};
}

/// What a person should look at now, from memory alone.
Json open_problems(const ApiServices& services) {
    Json items = Json::array();
    const Readiness readiness = services.status.readiness();
    for (const std::string& reason : readiness.reasons) items.push_back(item("not_ready", "error", reason));
    const ConfigReload reload = services.config.last_reload();
    if (!reload.ok) {
        std::string text = "The configuration file has errors; an older configuration runs.";
        for (const ConfigProblem& problem : reload.problems) {
            if (problem.severity == ProblemSeverity::error) text += " " + to_string(problem) + ".";
        }
        items.push_back(item("configuration", "error", text));
    }
    const PipelineStatus pipeline = services.status.pipeline();
    const StorageStatus& storage = pipeline.storage;
    if (storage.total_bytes > 0 && storage.free_bytes < storage.reserve_bytes) {
        items.push_back(item("storage", "error", "The disk is nearly full: nothing more is received."));
    }
    for (const TargetStatus& target : pipeline.targets) {
        if (target.last_error.empty()) continue;
        items.push_back(item("target " + target.name, "warning",
                             fmt::format("The last delivery to {} failed: {}", target.name, target.last_error)));
    }
    return items;
}

asio::awaitable<HttpResponse> list(const Api& api) {
    co_return make_json({{"items", open_problems(api.services())}});
}

asio::awaitable<HttpResponse> storage(const Api& api) {
    co_return make_json(to_json(api.services().status.pipeline()).at("storage"));
}

}  // namespace

void add_attention_operations(Api& api) {
    const Json problem = schema::object({{"id", schema::text()},
                                         {"severity", schema::choice({"warning", "error"})},
                                         {"text", schema::text(1'000'000)}});
    api.wait({.method = "GET",
              .path = "/attention",
              .id = "listAttention",
              .summary = "Open problems that a person should look at",
              .tag = "system",
              .answer = schema::object({{"items", schema::list_of(problem)}})},
             [&api](Call&) { return list(api); });
    api.wait({.method = "GET",
              .path = "/storage",
              .id = "getStorage",
              .summary = "The disk, and what lies in each stage",
              .tag = "system",
              .answer = schema::any_object()},
             [&api](Call&) { return storage(api); });
}

}  // namespace quicksilver::api
