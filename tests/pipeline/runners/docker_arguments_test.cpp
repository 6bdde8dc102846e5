#include "pipeline/runners/container_request.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using Json = nlohmann::json;

namespace {

Json applied(const char* arguments) {
    Json body;
    const auto result = apply_docker_arguments(Json::parse(arguments), body);
    INFO((result ? "" : result.error().message));
    REQUIRE(result);
    return body;
}

}  // namespace

TEST_CASE("Arguments named as in docker-py become fields of the engine's request", "[pipeline][runners]") {
    struct Case {
        const char* arguments;
        const char* body;
    };
    const Case cases[] = {
        {R"({"mem_limit": "512m"})", R"({"HostConfig": {"Memory": 536870912}})"},
        {R"({"shm_size": 1024})", R"({"HostConfig": {"ShmSize": 1024}})"},
        {R"({"memswap_limit": -1})", R"({"HostConfig": {"MemorySwap": -1}})"},
        {R"({"nano_cpus": 1500000000})", R"({"HostConfig": {"NanoCpus": 1500000000}})"},
        {R"({"pids_limit": 50, "read_only": true})", R"({"HostConfig": {"PidsLimit": 50, "ReadonlyRootfs": true}})"},
        {R"({"command": "run --name 'a b'"})", R"({"Cmd": ["run", "--name", "a b"]})"},
        {R"({"entrypoint": ["/x"]})", R"({"Entrypoint": ["/x"]})"},
        {R"({"cap_add": "SYS_PTRACE"})", R"({"HostConfig": {"CapAdd": ["SYS_PTRACE"]}})"},
        {R"({"extra_hosts": {"db": "10.0.0.1"}})", R"({"HostConfig": {"ExtraHosts": ["db:10.0.0.1"]}})"},
        {R"({"ulimits": [{"name": "memlock", "soft": -1, "hard": -1}]})",
         R"({"HostConfig": {"Ulimits": [{"Name": "memlock", "Soft": -1, "Hard": -1}]}})"},
        {R"({"devices": ["/dev/a:/dev/b:r", "/dev/c"]})",
         R"({"HostConfig": {"Devices": [
             {"PathOnHost": "/dev/a", "PathInContainer": "/dev/b", "CgroupPermissions": "r"},
             {"PathOnHost": "/dev/c", "PathInContainer": "/dev/c", "CgroupPermissions": "rwm"}]}})"},
        {R"({"detach": true, "remove": true, "tty": true, "init": null})", "null"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.arguments);
        CHECK(applied(c.arguments) == Json::parse(c.body));
    }
}

TEST_CASE("Arguments that nobody knows, or that are ours, are refused by name", "[pipeline][runners]") {
    for (const char* name : {"mem_limits", "user", "volumes", "mounts"}) {
        Json body;
        const auto result = apply_docker_arguments(Json{{name, 1}}, body);
        CAPTURE(name);
        REQUIRE_FALSE(result);
        CHECK(result.error().message.find(name) != std::string::npos);
    }
    Json body;
    CHECK_FALSE(apply_docker_arguments(Json{{"mem_limit", "much"}}, body));
}

TEST_CASE("Sizes are read as docker-py reads them", "[pipeline][runners]") {
    CHECK(parse_bytes("1.5k") == 1536);
    CHECK(parse_bytes("2GB") == 2147483648);
    CHECK(parse_bytes("7b") == 7);
    CHECK(parse_bytes("7") == 7);
    for (const char* text : {"", "g", "2x", "1e300g", "nan"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_bytes(text));
    }
}

TEST_CASE("Command lines are split as a shell splits them", "[pipeline][runners]") {
    using Words = std::vector<std::string>;
    CHECK(split_command("") == Words{});
    CHECK(split_command("  a  b ") == Words{"a", "b"});
    CHECK(split_command(R"(a "b c" 'd "e' f\ g "")") == Words{"a", "b c", "d \"e", "f g", ""});
}
