#include "http/api/api.hpp"

#include "quicksilver/store/audit.hpp"

#include "http/api/api_fixture.hpp"
#include "support/catch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <regex>

using namespace quicksilver;
using namespace quicksilver::test;
using nlohmann::json;

namespace {

/// Every operation of the description as method, path with made-up ids, and its object there.
struct Described {
    std::string method;
    std::string target;
    json operation;
};

std::vector<Described> described_operations(ApiFixture& api) {
    std::vector<Described> all;
    const json document = api.call("GET", "/openapi.json").body;
    for (const auto& [path, methods] : document.at("paths").items()) {
        static const std::regex parameter("\\{[^}]*\\}");
        const std::string target = std::regex_replace(path.substr(std::string("/api/v1").size()), parameter, "0");
        for (const auto& [method, operation] : methods.items()) {
            std::string upper = method;
            for (char& c : upper) c = static_cast<char>(c - 32);
            all.push_back({upper, target, operation});
        }
    }
    return all;
}

}  // namespace

TEST_CASE("A token changes nothing of its owner's account", "[http][api][roles]") {
    ApiFixture api;
    for (const Described& one : described_operations(api)) {
        if (one.operation.at("x-role") != "signed in" || one.method == "GET") continue;
        INFO(one.method << " " << one.target);
        CHECK(api.call(one.method, one.target, nullptr, {api.full_token(Role::admin, true)}).status == 403);
        api.advance(std::chrono::seconds(1));  // so that the limit of requests does not count
    }
}

TEST_CASE("A token without the scope is refused whatever the role", "[http][api][roles]") {
    ApiFixture api;
    const User admin = api.add_user("anna", Role::admin, true);
    const auto token = api.token_of(admin, {"metrics"});
    for (const Described& one : described_operations(api)) {
        if (!one.operation.contains("x-scope")) continue;
        INFO(one.method << " " << one.target);
        CHECK(api.call(one.method, one.target, nullptr, {token}).status == 403);
        api.advance(std::chrono::seconds(1));
    }
}

TEST_CASE("The description has every route, each with an id of its own", "[http][api][openapi]") {
    ApiFixture api;
    std::set<std::string> ids;
    for (const Described& one : described_operations(api)) {
        INFO(one.method << " " << one.target);
        CHECK(ids.insert(one.operation.at("operationId")).second);
        CHECK_FALSE(one.operation.at("summary").get<std::string>().empty());
        CHECK(one.operation.at("responses").contains("default"));
    }
    CHECK(ids.size() > 20);
}

TEST_CASE("Typing errors do not pass silently", "[http][api][conventions]") {
    ApiFixture api;
    const auto admin = api.full_token(Role::admin, false);
    const auto parameter = api.call("GET", "/audit?limt=5&limit=0&cursor=x", nullptr, {admin});
    CHECK(parameter.status == 422);
    CHECK(parameter.body.at("errors").size() == 2);
    CHECK(parameter.body.at("errors")[0].at("pointer") == "?limt");
    const auto body = api.call("POST", "/users", {{"usernam", "x"}}, {admin});
    CHECK(body.status == 422);
    CHECK(body.headers.at("content-type") == "application/problem+json");
    CHECK(body.body.at("type") == "/problems/validation");
    CHECK_FALSE(body.body.at("request_id").get<std::string>().empty());
    CHECK(api.call("GET", "/audit?cursor=bm9wZQ.AAAAAAAAAAAAAAAAAAAAAA", nullptr, {admin}).status == 400);
    CHECK(api.call_raw("POST", "/users", "{", {admin, {"Content-Type", "application/json"}}).status == 400);
    CHECK(api.call_raw("POST", "/users", "{}", {admin, {"Content-Type", "text/plain"}}).status == 415);
}

TEST_CASE("The same request with the same key is done once", "[http][api][conventions]") {
    ApiFixture api;
    const auto admin = api.full_token(Role::admin, false);
    const json body = {{"username", "oleg"}, {"role", "operator"}, {"password", ApiFixture::good_password}};
    const std::pair<std::string, std::string> key{"Idempotency-Key", "1"};
    const auto first = api.call("POST", "/users", body, {admin, key});
    const auto second = api.call("POST", "/users", body, {admin, key});
    CHECK(first.status == 201);
    CHECK(second.status == 201);
    CHECK(second.body == first.body);
    CHECK(second.headers.at("idempotency-replayed") == "true");
    CHECK(api.call("POST", "/users", {{"username", "else"}, {"role", "viewer"}, {"password", "x"}}, {admin, key})
              .status == 422);
}

TEST_CASE("More than fifty requests a second of one user wait", "[http][api][conventions]") {
    ApiFixture api;
    const auto viewer = api.full_token(Role::viewer, false);
    unsigned last = 0;
    for (int i = 0; i < 101; ++i) last = api.call("GET", "/system", nullptr, {viewer}).status;
    CHECK(last == 429);
    api.advance(std::chrono::seconds(1));
    CHECK(api.call("GET", "/system", nullptr, {viewer}).status == 200);
}

TEST_CASE("Who did what stands in the audit, with refusals and without malformed requests", "[http][api][audit]") {
    ApiFixture api;
    const auto admin = api.full_token(Role::admin, false);
    const auto viewer = api.full_token(Role::viewer, false);
    api.call("POST", "/session", {{"username", "nobody"}, {"password", "x"}});
    api.call("POST", "/users", {{"usernam", "x"}}, {admin});
    api.call("POST", "/users", nullptr, {viewer});
    const json body = {{"username", "oleg"}, {"role", "operator"}, {"password", ApiFixture::good_password}};
    api.call("POST", "/users", body, {admin});
    const auto all = api.call("GET", "/audit", nullptr, {admin});
    std::vector<std::string> lines;
    for (const json& entry : all.body.at("items")) {
        if (entry.at("action") == "useToken") continue;
        lines.push_back(fmt::format("{} {} {} {}", entry.at("user").get<std::string>(),
                                    entry.at("action").get<std::string>(), entry.at("object").get<std::string>(),
                                    entry.at("outcome").get<std::string>()));
    }
    CHECK(lines == std::vector<std::string>{"admin addUser /users oleg: role operator, phi false, disabled false done",
                                            "viewer addUser /users refused", "nobody signIn /session refused"});
    const auto page = api.call("GET", "/audit?limit=2", nullptr, {admin});
    CHECK(page.body.at("items").size() == 2);
    const std::string cursor = page.body.at("next_cursor");
    const auto next = api.call("GET", "/audit?limit=2&cursor=" + cursor, nullptr, {admin});
    CHECK(next.body.at("items")[0].at("id") < page.body.at("items")[1].at("id"));
}

TEST_CASE("Large answers are packed for those who take it, wherever they are made", "[http][api][conventions]") {
    ApiFixture api;
    const auto admin = api.full_token(Role::admin, false);
    for (const char* target : {"/openapi.json", "/settings/schema", "/rules/language"}) {
        INFO(target);
        const auto packed = api.call("GET", target, nullptr, {admin, {"Accept-Encoding", "gzip"}});
        const auto plain = api.call("GET", target, nullptr, {admin});
        CHECK(packed.headers.at("content-encoding") == "gzip");
        CHECK(packed.headers.at("vary") == "Accept-Encoding");
        CHECK(packed.text.size() < plain.text.size() / 2);
        CHECK_FALSE(plain.headers.contains("content-encoding"));
    }
}

TEST_CASE("An answer that is repeated is packed only for who takes it", "[http][api][conventions]") {
    ApiFixture api;
    const auto admin = api.full_token(Role::admin, false);
    const json body = {{"name", "x"}, {"rule", "True"}, {"target", "pacs"}, {"comment", std::string(5000, 'x')}};
    const auto first = api.call("POST", "/rules", body, {admin, {"Idempotency-Key", "1"}});
    CHECK(first.status == 201);
    const auto second =
        api.call("POST", "/rules", body, {admin, {"Idempotency-Key", "1"}, {"Accept-Encoding", "gzip"}});
    const auto third = api.call("POST", "/rules", body, {admin, {"Idempotency-Key", "1"}});
    CHECK(second.headers.contains("idempotency-replayed"));
    CHECK(second.headers.at("content-encoding") == "gzip");
    CHECK(third.text == first.text);
}

TEST_CASE("What was done and is too long to be repeated is not done again, and says so", "[http][api][conventions]") {
    ApiFixture api;
    const auto admin = api.full_token(Role::admin, false);
    const std::pair<std::string, std::string> key{"Idempotency-Key", "1"};
    const json body = {{"name", "x"}, {"rule", "True"}, {"target", "pacs"}, {"comment", std::string(20'000, 'x')}};
    CHECK(api.call("POST", "/rules", body, {admin, key}).status == 201);
    const auto again = api.call("POST", "/rules", body, {admin, key});
    CHECK(again.status == 409);
    CHECK(again.body.at("code") == "done_already");
}

TEST_CASE("What changes nothing is answered anew under any key", "[http][api][conventions]") {
    ApiFixture api;
    const auto admin = api.full_token(Role::admin, false);
    const std::pair<std::string, std::string> key{"Idempotency-Key", "1"};
    const json body = {{"expression", "True"}, {"sample", {{"tags", {{"Modality", std::string(20'000, 'x')}}}}}};
    for (int time = 0; time < 2; ++time) {
        const auto answer = api.call("POST", "/rules/test", body, {admin, key});
        CHECK(answer.body.at("items").size() == 1);
        CHECK_FALSE(answer.headers.contains("idempotency-replayed"));
    }
    const json rule = {{"name", "x"}, {"rule", "True"}, {"target", "pacs"}};
    CHECK(api.call("POST", "/rules?dry_run=true", rule, {admin, key}).status == 200);
    CHECK(api.call("POST", "/rules", rule, {admin, key}).status == 201);
}

TEST_CASE("The audit is exported as a table without formulas, and that is audited", "[http][api][audit]") {
    ApiFixture api;
    const auto admin = api.full_token(Role::admin, false);
    api.call("POST", "/session", {{"username", "=1+1\""}, {"password", "x"}});
    database::Transaction transaction(api.administration->connection());
    for (int i = 0; i < 1100; ++i) {
        AuditEntry entry;
        entry.user = "anna";
        entry.action = "putRule";
        entry.outcome = "done";
        entry.revision = i + 1;
        AuditLog(*api.administration).add(entry, api.clock.wall_now());
    }
    transaction.commit();
    const auto read_table = [&](const std::string& query) {
        HttpClient client(api.port());
        client.send(fmt::format("GET /api/v1/audit/export{} HTTP/1.1\r\nHost: localhost\r\n{}: {}\r\n\r\n", query,
                                admin.first, admin.second));
        return client.read_until("\r\n0\r\n\r\n");
    };
    const std::string table = read_table("");
    CHECK(table.find("Content-Type: text/csv\r\n") != std::string::npos);
    CHECK(table.find(R"(,"'=1+1""",)") != std::string::npos);
    CHECK(std::ranges::count(table, '\n') >= 1102);
    CHECK(read_table("?user=nobody").ends_with(",outcome,request_id,revision\r\n\r\n0\r\n\r\n"));
    CHECK(api.call("GET", "/audit?action=exportAudit", nullptr, {admin}).body.at("items").size() == 2);
}
