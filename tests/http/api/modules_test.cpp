#include "http/api/history_fixture.hpp"
#include "http/fake_modules.hpp"
#include "support/catch.hpp"

#include <fmt/format.h>

using namespace quicksilver;
using namespace quicksilver::test;
using nlohmann::json;

namespace {

struct ModulesApi : HistoryApi {
    /// Something that the processor wrote down, so long before now.
    void note(TaskEventType type, std::chrono::seconds ago, const std::string& task,
              const std::string& module = "bone") {
        const auto written = journal->write(
            {journal::TaskEvent{clock.wall_now() - ago, task, "processor.main", type, 1, module, "something"}});
        if (!written) throw std::runtime_error(written.error().message);
    }
    void run(int number, std::chrono::seconds ago, std::chrono::seconds took,
             TaskEventType end = TaskEventType::process_module_complete) {
        const std::string task = fmt::format("t{}", number);
        note(TaskEventType::process_module_begin, ago, task);
        note(end, ago - took, task);
    }
};

}  // namespace

TEST_CASE("A module tells whether its image is there, and how its runs of the last day went", "[http][api][modules]") {
    using namespace std::chrono_literals;
    ModulesApi api;
    api.modules.known.modules = {{"bone", {"example/bone:1", true, "example/bone@sha256:9"}}};
    CHECK(api.get("/modules/bone").body.at("statistics") ==
          json{{"runs_24h", 0}, {"failures_24h", 0}, {"median_s", nullptr}, {"last_run_at", nullptr}});
    api.run(1, 30h, 60s);
    api.run(2, 3h, 10s);
    api.run(3, 2h, 20s);
    api.run(4, 1h, 90s);
    api.run(5, 50min, 5s, TaskEventType::error);
    api.note(TaskEventType::process_module_begin, 1min, "t6");
    // A failure of delivery has a target of the same name at most.
    api.note(TaskEventType::error, 30s, "t7");
    const json module = api.get("/modules").body.at("items")[0];
    CHECK(module.at("present") == true);
    CHECK(module.at("digest") == "example/bone@sha256:9");
    CHECK(module.at("statistics") == json{{"runs_24h", 5},
                                          {"failures_24h", 1},
                                          {"median_s", 20.0},
                                          {"last_run_at", rfc3339(api.clock.wall_now() - 1min)}});
    CHECK(api.get("/modules/bone").body.at("statistics") == module.at("statistics"));
}

TEST_CASE("What is not known of a module is null", "[http][api][modules]") {
    ModulesApi api;
    api.modules.away = "the engine is away";
    const json module = api.get("/modules/bone").body;
    CHECK(module.at("present").is_null());
    CHECK(module.at("digest").is_null());
    CHECK(module.at("docker_tag") == "example/bone:1");
}

TEST_CASE("What the server knows of a module is no part of it", "[http][api][modules]") {
    ModulesApi api;
    const auto before = api.get("/modules/bone");
    api.modules.known.modules = {{"bone", {"example/bone:1", true, "example/bone@sha256:9"}}};
    api.note(TaskEventType::process_module_begin, std::chrono::minutes(1), "t1");
    const auto after = api.get("/modules/bone");
    CHECK(after.body != before.body);
    const auto put =
        api.call("PUT", "/modules/bone", after.body, {api.with_patients, {"If-Match", before.headers.at("etag")}});
    CHECK(put.status == 200);
    CHECK(json::parse(read_file(api.sources.file)).at("modules").at("bone") == json{{"docker_tag", "example/bone:1"}});
    CHECK(api.get("/config/revisions").body.at("items").size() == 1);
}

TEST_CASE("Nobody gives a module the rights of root from afar; what the file gives may stay", "[http][api][modules]") {
    ModulesApi api;
    const auto patch = [&](const json& change) {
        return api.call("PATCH", "/modules/bone", change,
                        {api.with_patients, {"If-Match", api.get("/modules/bone").headers.at("etag")}});
    };
    CHECK(patch({{"docker_arguments", {{"mem_limit", "2g"}}}}).status == 200);
    const auto refused =
        patch({{"docker_arguments", {{"privileged", true}}}, {"additional_volumes", {{"/", {{"bind", "/host"}}}}}});
    CHECK(refused.status == 422);
    REQUIRE(refused.body.at("errors").size() == 2);
    CHECK(refused.body.at("errors")[1].at("pointer") == "/additional_volumes");
    CHECK(refused.body.at("errors")[0].at("detail").get<std::string>().find("MERCURE_ALLOW_UNSAFE_DOCKER_ARGS") !=
          std::string::npos);
    json file = json::parse(read_file(api.sources.file));
    file["modules"]["bone"]["docker_arguments"] = {{"privileged", true}};
    const auto imported = api.call("POST", "/config/import", file, {api.with_patients});
    CHECK(imported.status == 422);
    CHECK(imported.body.at("errors")[0].at("pointer") == "/modules/bone/docker_arguments");
    write_file(api.sources.file, file.dump());
    CHECK(patch({{"comment", "not seen yet"}}).status == 412);
    CHECK(patch({{"comment", "as the file has it"}}).status == 200);
    CHECK(api.call("POST", "/config/import", json::parse(read_file(api.sources.file)), {api.with_patients}).status ==
          200);
}
