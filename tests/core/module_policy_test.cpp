#include "quicksilver/core/module_policy.hpp"

#include "support/catch.hpp"

#include <cstdlib>

using namespace quicksilver;

TEST_CASE("What may not be added from afar is named", "[core]") {
    const nlohmann::json module = {
        {"docker_arguments", R"({"privileged": true, "mem_limit": "2g"})"},
        {"additional_volumes", {{"/etc", {{"bind", "/e"}}}, {"/opt/mercure/processor_volumes/a", {{"bind", "/a"}}}}}};
    ModulePolicy policy;
    CHECK(policy.unsafe_wishes(module) ==
          std::vector<std::string>{"docker_arguments.privileged", "additional_volumes./etc"});
    policy.allow_unsafe_arguments = true;
    CHECK(policy.unsafe_wishes(module) == std::vector<std::string>{"additional_volumes./etc"});
    policy.allow_unsafe_volumes = true;
    CHECK(policy.unsafe_wishes(module).empty());
    CHECK(policy.unsafe_wishes({{"docker_arguments", "{torn"}}).empty());
}

TEST_CASE("The policy comes from mercure's environment variables", "[core]") {
    ::setenv("MERCURE_FORBID_UNSAFE_VOLUMES", "1", 1);
    ::setenv("MERCURE_FORBID_UNSAFE_DOCKER_ARGS", "False", 1);
    ::setenv("MERCURE_PROCESSOR_EXTRA_VOLUMES", "/data/a;/data/b", 1);
    const ModulePolicy policy = ModulePolicy::from_environment();
    CHECK(policy.forbid_unsafe_volumes);
    CHECK_FALSE(policy.forbid_unsafe_arguments);
    CHECK(policy.volumes.size() == 3);
    for (const char* name :
         {"MERCURE_FORBID_UNSAFE_VOLUMES", "MERCURE_FORBID_UNSAFE_DOCKER_ARGS", "MERCURE_PROCESSOR_EXTRA_VOLUMES"}) {
        ::unsetenv(name);
    }
}
