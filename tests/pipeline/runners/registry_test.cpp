#include "quicksilver/pipeline/runners/module_runner.hpp"

#include "support/catch.hpp"

using namespace quicksilver;

TEST_CASE("A module is run by its own runner, else by the server's, else by docker", "[pipeline][runners]") {
    Config config;
    CHECK(runner_name(nlohmann::json::object(), config) == "docker");
    config.processing.runner = "nomad";
    CHECK(runner_name(nlohmann::json::object(), config) == "nomad");
    CHECK(runner_name({{"runner", ""}}, config) == "nomad");
    CHECK(runner_name({{"runner", "docker"}}, config) == "docker");
    CHECK(runner_name(nullptr, config) == "nomad");
}

TEST_CASE("An address of the engine that cannot be used is said at each use", "[pipeline][runners]") {
    Config config;
    config.document["processing"]["docker_host"] = "nonsense";
    RunnerRegistry registry;
    register_builtin_runners(registry, config);
    CHECK(registry.find("nomad") == nullptr);
    ModuleRunner* docker = registry.find("docker");
    REQUIRE(docker != nullptr);
    const StopFlag stop{false};
    CHECK(docker->ready(stop).error().message.find("nonsense") != std::string::npos);
}

TEST_CASE("The first reason to end a run counts", "[pipeline][runners]") {
    RunControl control;
    CHECK_FALSE(control.flag());
    control.interrupt(Interruption::timed_out);
    control.interrupt(Interruption::server_stops);
    CHECK(control.flag());
    CHECK(control.why() == Interruption::timed_out);
}
