#include "http/api/api.hpp"
#include "http/api/operation_examples.hpp"
#include "support/catch.hpp"

#include <fmt/format.h>

#include <regex>
#include <set>

using namespace quicksilver;
using namespace quicksilver::test;
using nlohmann::json;

namespace {

struct Described {
    std::string method;
    std::regex path;
    json operation;
};

/// By the operation's id.
std::map<std::string, Described> described_operations(ApiFixture& api) {
    std::map<std::string, Described> all;
    const json document = api.call("GET", "/openapi.json").body;
    for (const auto& [path, methods] : document.at("paths").items()) {
        const std::string pattern =
            std::regex_replace(path.substr(std::string("/api/v1").size()), std::regex("\\{[^}]*\\}"), "[^/]+");
        for (const auto& [method, operation] : methods.items()) {
            std::string upper = method;
            for (char& c : upper) c = static_cast<char>(c - 32);
            all.emplace(operation.at("operationId").get<std::string>(),
                        Described{upper, std::regex(pattern), operation});
        }
    }
    return all;
}

std::string sentence(const OperationExample& example) {
    return fmt::format("{}: {} {} {}", example.id, example.method, example.target, example.body.substr(0, 100));
}

int rank_of(const std::string& role) {
    const std::vector<std::string> ranks = {"anyone", "signed in", "viewer", "operator", "admin"};
    return static_cast<int>(std::ranges::find(ranks, role) - ranks.begin());
}

}  // namespace

TEST_CASE("Every operation has an example for every good answer that it promises", "[http][api][operations]") {
    ApiFixture api;
    const auto described = described_operations(api);
    std::map<std::string, std::set<std::string>> exemplified;
    for (const OperationExample& example : operation_examples()) {
        INFO(sentence(example));
        const auto found = described.find(example.id);
        REQUIRE(found != described.end());
        const std::string path = example.target.substr(0, example.target.find('?'));
        CHECK(found->second.method == example.method);
        CHECK(std::regex_match(path, found->second.path));
        exemplified[example.id].insert(std::to_string(example.status));
    }
    // POST /setup is for a server without users, and nothing takes long enough here to be cancelled.
    exemplified["setUp"].insert("201");
    exemplified["cancelOperation"].insert("204");
    for (const auto& [id, operation] : described) {
        for (const auto& [status, response] : operation.operation.at("responses").items()) {
            INFO(id << " has no example in operation_examples.cpp that is answered with " << status);
            if (status != "default") CHECK(exemplified[id].contains(status));
        }
    }
}

TEST_CASE("Who may call an operation is what the table of examples says", "[http][api][roles]") {
    ApiFixture api;
    const auto described = described_operations(api);
    for (const OperationExample& example : operation_examples()) {
        INFO(sentence(example));
        const json& operation = described.at(example.id).operation;
        CHECK(operation.at("x-role") == example.role);
        CHECK(operation.at("x-phi") == example.patients);
        CHECK(operation.value("x-scope", "") == example.scope);
    }
}

TEST_CASE("Every example is answered as the table says", "[http][api][operations]") {
    ExampleWorld world;
    Browser admin = world.sign_in(Role::admin, true);
    const auto described = described_operations(world);
    const json definitions = world.call("GET", "/openapi.json").body.at("components").at("schemas");
    for (const OperationExample& example : operation_examples()) {
        const ApiAnswer answer = world.run(example, example.role == "anyone" ? nullptr : &admin);
        INFO(sentence(example) << "\n" << answer.text.substr(0, 500));
        CHECK(answer.status == example.status);
        if (example.id == "streamEvents") continue;
        CHECK(complaint_about(described.at(example.id).operation, definitions, answer) == "");
    }
}

TEST_CASE("Every operation lets in who may call it, and nobody else", "[http][api][roles]") {
    ExampleWorld empty;
    for (const OperationExample& example : operation_examples()) {
        INFO(sentence(example) << " by nobody");
        if (example.role != "anyone") CHECK(empty.run(example, nullptr).status == 401);
    }
    for (const Role role : {Role::viewer, Role::operate, Role::admin}) {
        for (const bool phi : {false, true}) {
            ExampleWorld world;
            Browser browser = world.sign_in(role, phi);
            for (const OperationExample& example : operation_examples()) {
                const bool allowed = static_cast<int>(role) + 2 >= rank_of(example.role) && (phi || !example.patients);
                const ApiAnswer answer = world.run(example, example.role == "anyone" ? nullptr : &browser);
                INFO(sentence(example) << " by " << to_string(role) << (phi ? " with" : " without")
                                       << " patients: " << answer.text.substr(0, 300));
                CHECK(answer.status != 401);
                CHECK((answer.status == 403) == !allowed);
                CHECK(answer.status < 500);
            }
        }
    }
}
