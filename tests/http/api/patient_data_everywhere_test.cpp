#include "http/api/operation_examples.hpp"
#include "http/api/patient_data.hpp"
#include "support/catch.hpp"

#include <fmt/format.h>

#include <set>

using namespace quicksilver;
using namespace quicksilver::test;

namespace {

/// The first of the patient's words that the text holds, or "".
std::string word_in(const std::string& text) {
    for (const std::string& word : patient_words()) {
        if (text.find(word) != std::string::npos) return word;
    }
    return "";
}

std::string whole(const ApiAnswer& answer) {
    std::string text = answer.text;
    for (const auto& [name, value] : answer.headers) text += "\n" + name + ": " + value;
    return text;
}

/// Runs all examples; the operations that told something of the patient.
std::set<std::string> tellers(ExampleWorld& world, Browser& browser) {
    std::set<std::string> told;
    for (const OperationExample& example : operation_examples()) {
        const ApiAnswer answer = world.run(example, example.role == "anyone" ? nullptr : &browser);
        const std::string word = word_in(whole(answer));
        // It shows what the file in the request holds.
        if (word.empty() || example.id == "inspectDicom") continue;
        told.insert(example.id);
        UNSCOPED_INFO(example.id << " " << example.target << " tells " << word << " in\n"
                                 << answer.text.substr(0, 800));
    }
    return told;
}

}  // namespace

TEST_CASE("Who may not see patients sees nothing of them in any answer", "[http][api][phi]") {
    for (const Role role : {Role::viewer, Role::operate, Role::admin}) {
        ExampleWorld world;
        Browser browser = world.sign_in(role, false);
        INFO(to_string(role));
        CHECK(tellers(world, browser) == std::set<std::string>{});
    }
}

TEST_CASE("Who may see patients sees them where they are", "[http][api][phi]") {
    ExampleWorld world;
    Browser browser = world.sign_in(Role::admin, true);
    const std::set<std::string> told = tellers(world, browser);
    for (const char* id :
         {"listSeries", "getSeries", "getTrace", "getSeriesTags", "getSeriesArchive", "getTimeline", "listTasks",
          "getTask", "listTaskAttempts", "listTaskEvents", "getTaskStepLog", "getTaskStepResult", "testRule",
          "getOperation", "listAttention", "getPipeline", "getTargetHealth", "cleanStorage", "listDicomTags"}) {
        INFO(id);
        CHECK(told.contains(id));
    }
    // The log and live events are the same for everybody.
    CHECK_FALSE(told.contains("listLog"));
}

TEST_CASE("A token without the scope for patients sees nothing of them, whatever its owner may", "[http][api][phi]") {
    ExampleWorld world;
    const User owner = world.add_user("anna", Role::admin, true);
    const auto token = world.token_of(owner, {"read", "operate", "configure", "admin", "metrics"});
    for (const OperationExample& example : operation_examples()) {
        if (example.method != "GET") continue;
        world.advance(std::chrono::seconds(1));
        const ApiAnswer answer = world.call("GET", world.resolved(example.target), nullptr, {token});
        INFO(example.id << ": " << answer.text.substr(0, 500));
        CHECK(word_in(whole(answer)) == "");
    }
}

TEST_CASE("What somebody began who may see patients, tells nothing of them to a token that may not",
          "[http][api][phi]") {
    ExampleWorld world;
    const User owner = world.add_user("anna", Role::admin, true);
    const auto seeing = world.token_of(owner, {"read", "operate", "phi"});
    const auto other = world.token_of(owner, {"read", "operate"});
    const ApiAnswer begun = world.call("POST", "/targets/pacs/test", nullptr, {seeing});
    const std::string operation = "/operations/" + begun.body.at("id").get<std::string>();
    CHECK(word_in(world.end_of(begun, seeing).dump()) != "");
    CHECK(word_in(world.call("GET", operation, nullptr, {other}).text) == "");

    const OperationExample test = {"testRule",
                                   "POST",
                                   "/rules/test",
                                   "operator",
                                   "read",
                                   200,
                                   R"({"expression": "tags.PatientName", "sample": {"series_id": "1.2.0001"}})"};
    const ApiFixture::Headers key = {{"Idempotency-Key", "1"}, {"Content-Type", "application/json"}};
    const auto ask = [&](const std::pair<std::string, std::string>& token) {
        ApiFixture::Headers headers = key;
        headers.push_back(token);
        return world.call_raw("POST", test.target, test.body, headers);
    };
    CHECK(word_in(ask(seeing).text) != "");
    CHECK(word_in(ask(other).text) == "");
}

TEST_CASE("Live events tell nothing of patients to anybody", "[http][api][phi]") {
    ExampleWorld world;
    const auto token = world.full_token(Role::admin, true);
    HttpClient stream(world.port());
    stream.send(
        fmt::format("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n{}: {}\r\n\r\n", token.first, token.second));
    stream.read_until("event: hello");
    Browser browser = world.sign_in(Role::admin, true);
    tellers(world, browser);
    world.with_events([&](EventHub& events) {
        events.publish("targets", "target", {{"last_error", world.status.status.targets[0].last_error}});
        events.publish_latest("x", "targets", "target", {{"deep", {{{"error", world.status.ready.reasons[0]}}}}});
        events.publish("log", "log", {{"last", true}});
    });
    std::string told = stream.read_until("\"last\":true");
    told += stream.read_until("\"deep\"") + stream.read_until("\n\n");
    CHECK(told.find("event: operation") != std::string::npos);
    CHECK(word_in(told) == "");
}
