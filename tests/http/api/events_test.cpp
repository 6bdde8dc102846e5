#include "http/api/api_fixture.hpp"
#include "support/catch.hpp"

#include <fmt/format.h>

using namespace quicksilver;
using namespace quicksilver::test;

namespace {

/// A client that has opened the stream.
std::unique_ptr<HttpClient> open_stream(ApiFixture& api, const std::string& query, const std::string& headers) {
    auto client = std::make_unique<HttpClient>(api.port());
    client->send(fmt::format("GET /api/v1/events{} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", query, headers));
    return client;
}

std::string line(const std::pair<std::string, std::string>& header) {
    return header.first + ": " + header.second + "\r\n";
}

}  // namespace

TEST_CASE("A stream greets, and tells what happens while it is open", "[http][api][events]") {
    ApiFixture api;
    auto stream = open_stream(api, "?topics=config,log", line(api.full_token(Role::viewer, false)));
    const std::string head = stream->read_until("\r\n\r\n");
    CHECK(head.find("text/event-stream") != std::string::npos);
    CHECK(head.find("Transfer-Encoding: chunked") != std::string::npos);
    CHECK(head.find("X-Accel-Buffering: no") != std::string::npos);
    CHECK(stream->read_until("\n\n\r\n").find("event: hello") != std::string::npos);
    api.with_events([](EventHub& events) {
        events.publish("series", "series", {{"id", "1"}});
        events.publish("config", "config", {{"revision", 7}});
    });
    const std::string told = stream->read_until("\n\n\r\n");
    CHECK(told.find("data: {\"revision\":7}") != std::string::npos);
    CHECK(told.find("event: series") == std::string::npos);
}

TEST_CASE("A stream needs a signed-in user and topics that exist", "[http][api][events]") {
    ApiFixture api;
    const auto viewer = api.full_token(Role::viewer, false);
    CHECK(api.call("GET", "/events").status == 401);
    CHECK(api.call("GET", "/events?topics=nonsense", nullptr, {viewer}).status == 422);
}

TEST_CASE("After a restart a client is told to ask anew", "[http][api][events]") {
    ApiFixture api;
    auto stream = open_stream(api, "", line(api.full_token(Role::viewer, false)) + "Last-Event-ID: before-17\r\n");
    CHECK(stream->read_until("event: reset").find("event: hello") != std::string::npos);
}

TEST_CASE("One session has eight streams at most", "[http][api][events]") {
    ApiFixture api;
    const auto viewer = api.full_token(Role::viewer, false);
    std::vector<std::unique_ptr<HttpClient>> streams;
    for (int i = 0; i < 8; ++i) {
        streams.push_back(open_stream(api, "", line(viewer)));
        streams.back()->read_until("event: hello");
    }
    CHECK(api.call("GET", "/events", nullptr, {viewer}).status == 503);
}

TEST_CASE("Two hundred streams are told of the same event, and one more is refused", "[http][api][events]") {
    ApiFixture api;
    std::vector<std::unique_ptr<HttpClient>> streams;
    for (int user = 0; user < 25; ++user) {
        const auto token = api.token_of(api.add_user(fmt::format("user-{}", user), Role::viewer), {"read"});
        for (int n = 0; n < 8; ++n) streams.push_back(open_stream(api, "?topics=config", line(token)));
    }
    for (auto& stream : streams) stream->read_until("event: hello");
    CHECK(api.call("GET", "/events", nullptr, {api.full_token(Role::viewer, false)}).status == 503);
    api.with_events([](EventHub& events) { events.publish("config", "config", {{"revision", 7}}); });
    for (auto& stream : streams) CHECK_FALSE(stream->read_until("\"revision\":7").empty());
}

TEST_CASE("A stream ends when its owner may no longer listen", "[http][api][events]") {
    ApiFixture api;
    const User user = api.add_user("vera", Role::viewer);
    auto stream = open_stream(api, "?topics=config", line(api.token_of(user, {"read"})));
    stream->read_until("event: hello");
    const auto admin = api.full_token(Role::admin, false);
    const auto shown = api.call("GET", "/users/" + user.id, nullptr, {admin});
    CHECK(api.call("DELETE", "/users/" + user.id, nullptr, {admin, {"If-Match", shown.headers.at("etag")}}).status ==
          204);
    api.advance(std::chrono::seconds(61));
    api.with_events([](EventHub& events) { events.publish("config", "config", {{"revision", 7}}); });
    CHECK_FALSE(stream->read_until("\r\n0\r\n\r\n").empty());
}

TEST_CASE("Others are served while streams are open", "[http][api][events]") {
    ApiFixture api;
    const auto viewer = api.full_token(Role::viewer, false);
    auto stream = open_stream(api, "", line(viewer));
    stream->read_until("event: hello");
    CHECK(api.call("GET", "/system", nullptr, {viewer}).status == 200);
}

TEST_CASE("A client of HTTP/1.0 gets the stream without chunks", "[http][api][events]") {
    ApiFixture api;
    HttpClient client(api.port());
    client.send("GET /api/v1/events HTTP/1.0\r\n" + line(api.full_token(Role::viewer, false)) + "\r\n");
    const std::string head = client.read_until("\r\n\r\n");
    CHECK(head.find("chunked") == std::string::npos);
    CHECK(head.find("Connection: close") != std::string::npos);
    CHECK(client.read_until("\n\n") == "retry: 2000\n\n");
}

TEST_CASE("A stream that is left open does not keep its session", "[http][api][events]") {
    ApiFixture api;
    api.add_user("vera", Role::viewer);
    Browser vera(api, "vera");
    auto stream = open_stream(api, "?topics=config", "Cookie: " + vera.cookie + "\r\n");
    stream->read_until("event: hello");
    for (int minute = 0; minute < 29; ++minute) {
        api.advance(std::chrono::seconds(60));
        api.with_events([&](EventHub& events) { events.publish("config", "config", {{"minute", minute}}); });
        stream->read_until(fmt::format("\"minute\":{}}}", minute));
    }
    api.advance(std::chrono::seconds(61));
    api.with_events([](EventHub& events) { events.publish("config", "config", {{"minute", 30}}); });
    CHECK_FALSE(stream->read_until("\r\n0\r\n\r\n").empty());
    CHECK(vera.get("/session").status == 401);
}

TEST_CASE("A client that lost its connection gets what it missed", "[http][api][events]") {
    ApiFixture api;
    const std::string viewer = line(api.full_token(Role::viewer, false));
    std::string id;
    {
        auto stream = open_stream(api, "?topics=config", viewer);
        stream->read_until("event: hello");
        api.with_events([](EventHub& events) { events.publish("config", "config", {{"revision", 1}}); });
        const std::string told = stream->read_until("\"revision\":1}");
        id = told.substr(told.rfind("id: ") + 4);
        id = id.substr(0, id.find('\n'));
    }
    api.with_events([](EventHub& events) {
        events.publish("config", "config", {{"revision", 2}});
        events.publish("config", "config", {{"revision", 3}});
    });
    auto stream = open_stream(api, "?topics=config", viewer + "Last-Event-ID: " + id + "\r\n");
    const std::string missed = stream->read_until("\"revision\":3}");
    CHECK(missed.find("\"revision\":2}") != std::string::npos);
    CHECK(missed.find("\"revision\":1}") == std::string::npos);
    CHECK(missed.find("event: reset") == std::string::npos);
}
