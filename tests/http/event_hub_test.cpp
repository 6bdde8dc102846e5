#include "quicksilver/http/event_hub.hpp"

#include "support/catch.hpp"
#include "support/coroutines.hpp"

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

namespace asio = boost::asio;
using namespace quicksilver;
using namespace quicksilver::test;
using namespace std::chrono_literals;

namespace {

struct HubFixture {
    asio::io_context context;
    EventHub hub{context.get_executor(), 100};

    /// What the client gets next.
    std::string next(EventHub::Client& client, std::chrono::milliseconds patience = 10s) {
        std::string text = "(end)";
        auto ask = [&]() -> asio::awaitable<void> {
            const auto piece = co_await client.next(patience);
            if (piece) text = *piece;
        };
        run_coroutine(context, ask());
        return text;
    }
    std::string id(std::uint64_t number) const { return hub.boot() + "-" + std::to_string(number); }
};

}  // namespace

TEST_CASE("A client gets the events of its topics, and of series only the one it asked for", "[http][events]") {
    HubFixture f;
    auto client = f.hub.join({"series", "config"}, "1.2", "");
    f.hub.publish("series", "series", {{"id", "1.1"}}, "1.1");
    f.hub.publish("series", "series", {{"id", "1.2"}}, "1.2");
    f.hub.publish("log", "log", {{"x", 1}});
    f.hub.publish("config", "config", {{"revision", 5}});
    CHECK(f.next(*client) == "id: " + f.id(2) + "\nevent: series\ndata: {\"id\":\"1.2\"}\n\nid: " + f.id(4) +
                                 "\nevent: config\ndata: {\"revision\":5}\n\n");
}

TEST_CASE("A client that comes back gets what it missed", "[http][events]") {
    HubFixture f;
    for (int i = 1; i <= 3; ++i) f.hub.publish("log", "log", {{"n", i}});
    auto client = f.hub.join({"log"}, "", f.id(2));
    CHECK(client->was_replayed());
    CHECK(f.next(*client).find("{\"n\":3}") != std::string::npos);
}

TEST_CASE("A client whose place is gone is told to ask anew", "[http][events]") {
    HubFixture f;
    for (int i = 1; i <= 150; ++i) f.hub.publish("log", "log", {{"n", i}});
    const std::vector<std::string> gone = {f.id(49), f.id(151), "other-100", "nonsense", "-", f.id(100) + "x"};
    for (const std::string& id : gone) {
        INFO(id);
        CHECK_FALSE(f.hub.join({"log"}, "", id)->was_replayed());
    }
    CHECK(f.hub.join({"log"}, "", f.id(50))->was_replayed());
    CHECK(f.hub.join({"log"}, "", f.id(150))->was_replayed());
    auto client = f.hub.join({"log"}, "", "");
    CHECK(client->greeting("1", "now", true).find("event: reset") != std::string::npos);
}

TEST_CASE("A client that is too slow loses its place and costs nothing", "[http][events]") {
    HubFixture f;
    auto client = f.hub.join({"log"}, "", "");
    for (int i = 1; i <= 1000; ++i) f.hub.publish("log", "log", {{"n", i}});
    CHECK(f.next(*client) == "id: " + f.id(1000) + "\nevent: reset\ndata: {}\n\n");
    f.hub.publish("log", "log", {{"n", "after"}});
    CHECK(f.next(*client).find("after") != std::string::npos);
}

TEST_CASE("What changes often is told once with its last value", "[http][events]") {
    HubFixture f;
    auto client = f.hub.join({"series"}, "", "");
    for (int i = 1; i <= 50; ++i) f.hub.publish_latest("a", "series", "series", {{"n", i}});
    f.hub.publish_latest("b", "series", "series", {{"n", 1}});
    const std::string told = f.next(*client);
    CHECK(told.find("{\"n\":50}") != std::string::npos);
    CHECK(told.find("{\"n\":49}") == std::string::npos);
    CHECK(f.hub.last_number() == 2);
}

TEST_CASE("A quiet stream has a heartbeat, and a closed hub ends it", "[http][events]") {
    HubFixture f;
    auto client = f.hub.join({"log"}, "", "");
    CHECK(f.next(*client, 1ms) == ": hb\n\n");
    f.hub.close();
    CHECK(f.next(*client) == "(end)");
    CHECK(f.hub.join({"log"}, "", "") == nullptr);
}

TEST_CASE("There are two hundred streams at most", "[http][events]") {
    HubFixture f;
    std::vector<std::unique_ptr<EventHub::Client>> clients;
    for (std::size_t i = 0; i < EventHub::clients_max; ++i) clients.push_back(f.hub.join({"log"}, "", ""));
    CHECK(clients.back());
    CHECK_FALSE(f.hub.join({"log"}, "", ""));
    clients.pop_back();
    CHECK(f.hub.join({"log"}, "", ""));
}

TEST_CASE("Large events push out the oldest before there are many", "[http][events]") {
    HubFixture f;
    const std::string large(1024 * 1024, 'x');
    for (std::size_t i = 0; i < 40; ++i) f.hub.publish("log", "log", {{"line", large}});
    CHECK_FALSE(f.hub.join({"log"}, "", f.id(1))->was_replayed());
    CHECK(f.hub.join({"log"}, "", f.id(30))->was_replayed());
}

TEST_CASE("What changes in ever new places is told at once when too much waits", "[http][events]") {
    HubFixture f;
    for (int i = 0; i < 5010; ++i) f.hub.publish_latest(std::to_string(i), "series", "series", {{"n", i}});
    CHECK(f.hub.last_number() == 10);
}

TEST_CASE("The timeline is told to those who look at one series, also when it is one of several", "[http][events]") {
    HubFixture f;
    auto one = f.hub.join({"series", "tasks"}, "1.2", "");
    auto all = f.hub.join({"series", "tasks"}, "", "");
    f.hub.publish("series", "timeline", {{"task", "t"}}, "1.20\\1.2");
    f.hub.publish("tasks", "task", {{"id", "other"}}, "1.20");
    f.hub.publish("tasks", "task", {{"id", "t"}}, "1.20\\1.2");
    const std::string told = f.next(*one);
    CHECK(told.find("event: timeline") != std::string::npos);
    CHECK(told.find("other") == std::string::npos);
    CHECK(told.find(R"({"id":"t"})") != std::string::npos);
    const std::string all_told = f.next(*all);
    CHECK(all_told.find("timeline") == std::string::npos);
    CHECK(all_told.find("other") != std::string::npos);
}
