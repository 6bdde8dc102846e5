#include "quicksilver/http/attention.hpp"

#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/http/control.hpp"
#include "quicksilver/http/problem.hpp"
#include "quicksilver/store/attention_marks.hpp"
#include "quicksilver/store/statistics.hpp"

#include "api.hpp"
#include "config_editing.hpp"
#include "sources.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

constexpr auto mute_max = std::chrono::hours(24 * 366);

Json item(const std::string& id, const char* severity, const std::string& text) {
    return {{"id", id}, {"severity", severity}, {"text", text}};
}

void add_pauses(const PipelineStatus& pipeline, Json& items) {
    const std::pair<const char*, const std::optional<StagePause>&> stages[] = {{"receive", pipeline.receive.pause},
                                                                               {"route", pipeline.route.pause},
                                                                               {"process", pipeline.process.pause},
                                                                               {"dispatch", pipeline.dispatch.pause}};
    for (const auto& [name, pause] : stages) {
        if (!pause) continue;
        const std::string why = pause->reason.empty() ? "" : ": " + pause->reason;
        items.push_back(item(std::string("pause ") + name, "warning",
                             fmt::format("{} has paused the stage {}{}", pause->user, name, why)));
    }
}

void add_targets(const PipelineStatus& pipeline, Json& items) {
    for (const TargetStatus& target : pipeline.targets) {
        if (target.last_error.empty()) continue;
        items.push_back(item("target " + target.name, target.state == TargetState::down ? "error" : "warning",
                             fmt::format("The last delivery to {} failed: {}", target.name, target.last_error)));
    }
}

void add_runners(const PipelineStatus& pipeline, Json& items) {
    for (const auto& [runner, reason] : pipeline.runners_away) {
        items.push_back(item("runner " + runner, "error", fmt::format("Tasks wait for their modules: {}", reason)));
    }
}

/// Open problems with those that only the history tells. Io thread.
class Problems {
public:
    explicit Problems(const Api& api) : services_(api.services()), sources_(api) {}

    asio::awaitable<Json> all(const Call& call) {
        const Json sources = co_await sources_.look(call);
        Json items = open_problems(services_.status, services_.config, *services_.sign_in_watch, call.steady_now);
        for (const Json& source : sources) {
            if (source["overdue"] == true) items.push_back(silence_of(source));
        }
        co_return items;
    }

private:
    static Json silence_of(const Json& source) {
        const auto id = source["id"].get<std::string>();
        const auto name = source["name"].get<std::string>();
        return item(
            "source " + id, "warning",
            fmt::format("{} has sent nothing since {}, which is longer than usual.",
                        name.empty() ? id : fmt::format("{} ({})", name, id), source["last_seen"].get<std::string>()));
    }

    const ApiServices& services_;
    KnownSources sources_;
};

asio::awaitable<HttpResponse> list(const Api& api, const Call& call, Problems& problems) {
    const ApiServices& services = api.services();
    Json items = co_await problems.all(call);
    auto read = [&services] { return AttentionMarks(services.administration).all(); };
    const auto marks = co_await run_blocking(services.administration_pool, read);
    for (Json& one : items) {
        one["acknowledged"] = nullptr;
        one["muted_until"] = nullptr;
        const auto mark = marks.find(one["id"].get<std::string>());
        if (mark == marks.end()) continue;
        const AttentionMark& said = mark->second;
        if (!said.acknowledged_by.empty() && said.acknowledged_text == one["text"]) {
            one["acknowledged"] = {{"user", said.acknowledged_by}, {"time", said.acknowledged_at}};
        }
        if (said.muted_until && *said.muted_until > call.now) one["muted_until"] = rfc3339(*said.muted_until);
    }
    co_return make_json({{"items", std::move(items)}});
}

/// Throws ProblemError 404 when the problem is gone.
asio::awaitable<std::string> text_of_problem(const Call& call, Problems& problems, const std::string& id) {
    const Json items = co_await problems.all(call);
    const auto found = std::ranges::find_if(items, [&](const Json& one) { return one.at("id") == id; });
    if (found == items.end()) throw not_found("There is no such problem (any more).");
    co_return found->at("text").get<std::string>();
}

asio::awaitable<HttpResponse> acknowledge(const Api& api, const Call& call, Problems& problems) {
    const ApiServices& services = api.services();
    const std::string id = call.parameter("id");
    const std::string text = co_await text_of_problem(call, problems, id);
    auto write = [&] { AttentionMarks(services.administration).acknowledge(id, text, call.user().username, call.now); };
    co_await run_blocking(services.administration_pool, write);
    co_return no_content();
}

asio::awaitable<HttpResponse> mute(const Api& api, const Call& call, Problems& problems) {
    const ApiServices& services = api.services();
    const std::string id = call.parameter("id");
    co_await text_of_problem(call, problems, id);
    std::optional<WallTime> until;
    if (const Json& asked = call.body["until"]; !asked.is_null()) {
        until = parse_rfc3339(asked.get_ref<const std::string&>());
        if (!until || *until <= call.now || *until > call.now + mute_max) {
            throw invalid("Something is wrong with the body.",
                          {{"/until", "range", "must be a time of the next year, or null"}});
        }
    }
    auto write = [&] { AttentionMarks(services.administration).mute(id, until, call.now); };
    co_await run_blocking(services.administration_pool, write);
    co_return no_content();
}

constexpr std::size_t next_to_go_max = 20;

/// The series whose files go next, when only their age counts. Null while the database cannot be read.
asio::awaitable<Json> next_to_go(const Api& api, const Call& call) {
    const auto kept =
        std::chrono::duration_cast<WallTime::duration>(api.services().config.snapshot()->cleaner.retention);
    const auto holds = api.services().control.holds();
    auto question = [&](History& history) {
        Json next = Json::array();
        const auto ended =
            Statistics(history.connection()).ended(rfc3339(call.now - kept), next_to_go_max + holds->size());
        for (const Statistics::Ended& one : ended) {
            const auto since = parse_rfc3339(one.since);
            if (!since || holds->contains(one.series_uid) || next.size() == next_to_go_max) continue;
            next.push_back({{"series", one.series_uid}, {"expires_at", rfc3339(*since + kept)}});
        }
        return next;
    };
    co_return co_await ask_if_possible(api, question);
}

asio::awaitable<HttpResponse> storage(const Api& api, const Call& call) {
    Json content = to_json(api.services().status.pipeline()).at("storage");
    content["next_to_go"] = co_await next_to_go(api, call);
    co_return make_json(content);
}

}  // namespace

void add_attention_operations(Api& api) {
    const auto problems = std::make_shared<Problems>(api);
    const Json mark = schema::object({{"user", schema::text()}, {"time", schema::time()}});
    const Json problem = schema::object({{"id", schema::text()},
                                         {"severity", schema::choice({"warning", "error"})},
                                         {"text", schema::text(1'000'000)},
                                         {"acknowledged", schema::optional(mark)},
                                         {"muted_until", schema::optional(schema::time())}});
    api.wait({.method = "GET",
              .path = "/attention",
              .id = "listAttention",
              .summary = "Open problems that a person should look at, and who knows of them",
              .tag = "system",
              .answer = schema::object({{"items", schema::list_of(problem)}})},
             [&api, problems](Call& call) { return list(api, call, *problems); });
    api.wait({.method = "POST",
              .path = "/attention/{id}/actions/ack",
              .id = "acknowledgeAttention",
              .summary = "Somebody takes care of it; counts until the problem is another one",
              .tag = "system",
              .access = Access::operate,
              .scope = "operate",
              .status = 204},
             [&api, problems](Call& call) { return acknowledge(api, call, *problems); });
    api.wait({.method = "POST",
              .path = "/attention/{id}/actions/mute",
              .id = "muteAttention",
              .summary = "Nobody needs to be told of it until then; null: again",
              .tag = "system",
              .access = Access::operate,
              .scope = "operate",
              .body = schema::object({{"until", schema::optional(schema::text(40))}}),
              .status = 204},
             [&api, problems](Call& call) { return mute(api, call, *problems); });
    api.wait({.method = "GET",
              .path = "/storage",
              .id = "getStorage",
              .summary = "The disk, what lies in each stage, and whose files go next",
              .tag = "system",
              .answer = schema::any_object()},
             [&api](Call& call) { return storage(api, call); });
}

}  // namespace quicksilver::api

namespace quicksilver {

nlohmann::json open_problems(const StatusSource& status, const ConfigHandle& config, const SignInWatch& sign_ins,
                             SteadyTime now) {
    nlohmann::json items = nlohmann::json::array();
    const Readiness readiness = status.readiness();
    for (const std::string& reason : readiness.reasons) items.push_back(api::item("not_ready", "error", reason));
    const ConfigReload reload = config.last_reload();
    if (!reload.ok) {
        std::string text = "The configuration file has errors; an older configuration runs.";
        for (const ConfigProblem& problem : reload.problems) {
            if (problem.severity == ProblemSeverity::error) text += " " + to_string(problem) + ".";
        }
        items.push_back(api::item("configuration", "error", text));
    }
    const PipelineStatus pipeline = status.pipeline();
    const StorageStatus& disk = pipeline.storage;
    if (disk.total_bytes > 0 && disk.free_bytes < disk.reserve_bytes) {
        items.push_back(api::item("storage", "error", "The disk is nearly full: nothing more is received."));
    }
    if (disk.held_in_the_way > 0) {
        items.push_back(api::item("held", "error",
                                  fmt::format("The disk is almost full, and what could be removed is held: release "
                                              "some series ({} folders), or make space.",
                                              disk.held_in_the_way)));
    }
    api::add_pauses(pipeline, items);
    api::add_targets(pipeline, items);
    api::add_runners(pipeline, items);
    if (const std::string text = sign_ins.problem(now); !text.empty()) {
        items.push_back(api::item("sign_in", "warning", text));
    }
    return items;
}

}  // namespace quicksilver
