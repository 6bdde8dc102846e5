#include "pipeline/runners/container_request.hpp"

#include "support/catch.hpp"

#include <algorithm>

using namespace quicksilver;
using Json = nlohmann::json;

namespace {

ContainerPlan plan_of(Json config) {
    ContainerPlan plan;
    plan.config = std::move(config);
    plan.image = "sha256:1";
    plan.in = "/host/in";
    plan.out = "/host/out";
    plan.user = 1000;
    plan.group = 100;
    return plan;
}

Json body_of(const ContainerPlan& plan) {
    const auto request = make_container_request(plan);
    REQUIRE(request);
    return request->body;
}

std::string error_of(const ContainerPlan& plan) {
    const auto request = make_container_request(plan);
    REQUIRE_FALSE(request);
    return request.error().message;
}

Json mount_of(const std::string& source, const std::string& target, bool reads_only = false) {
    return {{"Type", "bind"}, {"Source", source}, {"Target", target}, {"ReadOnly", reads_only}};
}

bool has(const Json& list, const std::string& text) {
    return std::find(list.begin(), list.end(), text) != list.end();
}

}  // namespace

TEST_CASE("A plain module gets its folders, mercure's environment, our user and no capabilities",
          "[pipeline][runners]") {
    const Json body = body_of(plan_of({{"environment", R"({"MODE": "fast", "MERCURE_IN_DIR": "/elsewhere"})"}}));
    const Json& host = body["HostConfig"];
    CHECK(host["Mounts"] == Json::array({mount_of("/host/in", "/tmp/data"), mount_of("/host/out", "/tmp/output")}));
    CHECK_FALSE(host.contains("Binds"));
    CHECK(body["User"] == "1000:100");
    CHECK(host["GroupAdd"] == Json::array({"100"}));
    CHECK(host["CapDrop"] == Json::array({"ALL"}));
    CHECK_FALSE(host.contains("NetworkMode"));
    CHECK_FALSE(body.contains("Entrypoint"));
    for (const char* variable : {"MODE=fast", "MERCURE_IN_DIR=/tmp/data", "MERCURE_OUT_DIR=/tmp/output",
                                 "MONAI_INPUTPATH=/tmp/data", "HOLOSCAN_OUTPUT_PATH=/tmp/output"}) {
        CAPTURE(variable);
        CHECK(has(body["Env"], variable));
    }
}

TEST_CASE("A module whose inputs are links cannot write to them", "[pipeline][runners]") {
    const Json body = body_of(plan_of({{"link_inputs", true}}));
    CHECK(body["HostConfig"]["Mounts"][0] == mount_of("/host/in", "/tmp/data", true));
    CHECK(body["HostConfig"]["Mounts"][1] == mount_of("/host/out", "/tmp/output"));
}

TEST_CASE("Network, persistence, volumes, runtime and graphics processors follow the module's settings",
          "[pipeline][runners]") {
    ContainerPlan plan = plan_of({{"network_enabled", false},
                                  {"gpus", 2},
                                  {"additional_volumes", {{"/models", {{"bind", "/m"}, {"mode", "ro"}}}}}});
    plan.persistence = "/host/keep";
    plan.runtime = "nvidia";
    const Json body = body_of(plan);
    const Json& host = body["HostConfig"];
    CHECK(host["NetworkMode"] == "none");
    CHECK(host["Mounts"][2] == mount_of("/host/keep", "/tmp/persistence"));
    CHECK(has(host["Binds"], "/models:/m:ro"));
    CHECK(has(body["Env"], "MODULE_PERSISTENCE_DIR=/tmp/persistence"));
    CHECK(host["Runtime"] == "nvidia");
    CHECK(host["DeviceRequests"][0]["Count"] == 2);
}

TEST_CASE("Root is only for modules that want it, on servers that allow it", "[pipeline][runners]") {
    ContainerPlan plan = plan_of({{"requires_root", true}});
    CHECK(error_of(plan).find("support_root_modules") != std::string::npos);
    plan.support_root_modules = true;
    CHECK_FALSE(body_of(plan).contains("User"));

    plan = plan_of(Json::object());
    plan.map_command = std::vector<std::string>{"python3", "/app"};
    CHECK(error_of(plan).find("MONAI") != std::string::npos);
    plan.support_root_modules = true;
    const Json body = body_of(plan);
    CHECK(body["Entrypoint"] == Json::array({""}));
    CHECK(body["Cmd"] == Json::array({"python3", "/app"}));

    plan = plan_of(Json::object());
    plan.rootless = true;
    CHECK(body_of(plan)["User"] == "0:0");
}

TEST_CASE("Docker arguments are laid over, but labels of ours stay", "[pipeline][runners]") {
    ContainerPlan plan = plan_of({{"docker_arguments", R"({"mem_limit": "2g", "cap_drop": ["NET_RAW"],
        "labels": {"quicksilver.task": "stolen", "own": "1"}, "environment": {"EXTRA": 1}})"}});
    plan.labels = {{"quicksilver.task", "t1"}};
    const Json body = body_of(plan);
    CHECK(body["HostConfig"]["Memory"] == 2147483648);
    CHECK(body["HostConfig"]["CapDrop"] == Json::array({"NET_RAW"}));
    CHECK(body["Labels"] == Json({{"quicksilver.task", "t1"}, {"own", "1"}}));
    CHECK(has(body["Env"], "EXTRA=1"));
}

TEST_CASE("What the server forbids is left out and named", "[pipeline][runners]") {
    ContainerPlan plan = plan_of({{"docker_arguments", {{"privileged", true}, {"mem_limit", 1024}}},
                                  {"additional_volumes",
                                   {{"/etc", {{"bind", "/e"}}},
                                    {"/opt/mercure/processor_volumes/../../x", {{"bind", "/x"}}},
                                    {"/opt/mercure/processor_volumes/a", {{"bind", "/a"}}}}}});
    CHECK(make_container_request(plan)->left_out.empty());
    plan.policy.forbid_unsafe_arguments = plan.policy.forbid_unsafe_volumes = true;
    const auto request = make_container_request(plan);
    REQUIRE(request);
    CHECK(request->left_out == std::vector<std::string>{"docker argument privileged", "volume /etc",
                                                        "volume /opt/mercure/processor_volumes/../../x"});
    CHECK_FALSE(request->body["HostConfig"].contains("Privileged"));
    CHECK(request->body["HostConfig"]["Memory"] == 1024);
    CHECK(has(request->body["HostConfig"]["Binds"], "/opt/mercure/processor_volumes/a:/a:rw"));
}

TEST_CASE("Settings that cannot be read are named", "[pipeline][runners]") {
    CHECK(error_of(plan_of({{"environment", "{A: 1}"}})).find("environment") != std::string::npos);
    CHECK(error_of(plan_of({{"additional_volumes", {{"/x", "y"}}}})).find("/x") != std::string::npos);
    CHECK(error_of(plan_of({{"docker_arguments", "[1]"}})).find("docker_arguments") != std::string::npos);
}

TEST_CASE("Graphics processors are counted by number or by runtime", "[pipeline][runners]") {
    CHECK(gpus_of(Json{{"gpus", 3}}, "") == 3);
    CHECK(gpus_of(Json{{"docker_arguments", R"({"runtime": "nvidia"})"}}, "") == 1);
    CHECK(gpus_of(Json::object(), "nvidia") == 1);
    CHECK(gpus_of(Json::object(), "runc") == 0);
}
