#include "http/api/module_log_stream.hpp"

#include "http/api/history_fixture.hpp"
#include "http/fake_modules.hpp"
#include "support/catch.hpp"

#include <fmt/format.h>

#include <condition_variable>
#include <mutex>
#include <thread>

using namespace quicksilver;
using namespace quicksilver::test;
using nlohmann::json;

namespace {

/// A task whose module runs, and a clock that goes on by itself while the test reads.
struct LogApi : HistoryApi {
    LogApi() {
        write({journal::TaskRegistered{clock.wall_now(), "t1", "", uid_of(0)}});
        set_running(true);
        ticker = std::jthread([this](const std::stop_token& stop) {
            std::mutex mutex;
            std::unique_lock lock(mutex);
            std::condition_variable_any pause;
            // So slow that no token of the test expires.
            while (!pause.wait_for(lock, stop, std::chrono::milliseconds(2), [&] { return stop.stop_requested(); })) {
                advance(std::chrono::seconds(1));
            }
        });
    }
    ~LogApi() {
        ticker.request_stop();
        ticker.join();
    }
    LogApi(const LogApi&) = delete;
    LogApi& operator=(const LogApi&) = delete;

    void set_running(bool running) {
        with_events([&](EventHub&) {
            modules.running.clear();
            if (running) modules.running.emplace_back("t1", 0);
        });
    }
    void write(const std::vector<JournalEntry>& entries) {
        const auto written = journal->write(entries);
        if (!written) throw std::runtime_error(written.error().message);
    }
    void say(const std::string& text, unsigned part = 0, bool first = false, const std::string& run = "t1/0/a",
             const std::string& file = "") {
        write({journal::ProcessorLog{clock.wall_now(), "t1", "bone", run, part, first, text, file}});
    }
    std::unique_ptr<HttpClient> follow(const std::string& more = "", const std::string& headers = "",
                                       const std::string& path = "/tasks/t1/steps/0/log") {
        return follow_as(with_patients, more, headers, path);
    }
    std::unique_ptr<HttpClient> follow_as(const std::pair<std::string, std::string>& who, const std::string& more = "",
                                          const std::string& headers = "",
                                          const std::string& path = "/tasks/t1/steps/0/log") {
        auto client = std::make_unique<HttpClient>(port());
        client->send(fmt::format("GET /api/v1{}?follow=true{} HTTP/1.1\r\nHost: localhost\r\n{}: {}\r\n{}\r\n", path,
                                 more, who.first, who.second, headers));
        return client;
    }

    std::jthread ticker;
};

constexpr const char* end_of_stream = "event: end\ndata: {}\n\n\r\n0\r\n\r\n";

}  // namespace

TEST_CASE("What a module says is told as it comes, until it has ended", "[http][api][tasks]") {
    LogApi api;
    api.say("one\ntwo\nthree\n", 0, true);
    const auto stream = api.follow("&tail=2");
    const std::string begin = stream->read_until("\n\n\r\n");
    CHECK(begin.find("text/event-stream") != std::string::npos);
    CHECK(begin.find(R"(data: {"text":"two\nthree\n"})") != std::string::npos);
    api.say("four\n");
    stream->read_until(R"(data: {"text":"four\n"})");
    api.say("five\n", 1);
    stream->read_until(R"(data: {"text":"five\n"})");
    api.say("six\n", 1);
    api.set_running(false);
    const std::string end = stream->read_until(end_of_stream);
    CHECK(end.find(R"(data: {"text":"six\n"})") != std::string::npos);
}

TEST_CASE("A module that has said nothing yet is waited for, and one that nobody knows is not", "[http][api][tasks]") {
    LogApi api;
    const auto stream = api.follow();
    CHECK(stream->read_until("retry: 2000\n\n").find("200 OK") != std::string::npos);
    api.say("at last\n", 0, true);
    stream->read_until("at last");
    api.set_running(false);
    stream->read_until(end_of_stream);
    CHECK(api.get("/tasks/t1/steps/1/log?follow=true").status == 404);
    CHECK(api.get("/tasks/none/steps/0/log?follow=true").status == 404);
    CHECK(api.get_masked("/tasks/t1/steps/0/log?follow=true").status == 403);
    CHECK(api.get("/tasks/t1/steps/0/log?follow=maybe").status == 422);
}

TEST_CASE("A run that begins anew is told from its beginning", "[http][api][tasks]") {
    LogApi api;
    api.say("first try\n", 0, true);
    const auto stream = api.follow();
    stream->read_until("first try");
    api.say("second try\n", 0, true, "t1/0/b");
    CHECK(stream->read_until("second try").find("event: reset") != std::string::npos);
    // The next start of the server asks for all that it said once more.
    api.say("2nd\n", 0, true, "t1/0/b");
    CHECK(stream->read_until("2nd").find("event: reset") != std::string::npos);
}

TEST_CASE("Who lost the connection goes on behind what was told", "[http][api][tasks]") {
    LogApi api;
    api.say("earlier\n", 0, true);
    const std::string told = api.follow()->read_until("\"earlier");
    const auto at = told.find("id: ") + 4;
    const std::string id = told.substr(at, told.find('\n', at) - at);
    api.say("later\n");
    const std::string rest = api.follow("", "Last-Event-ID: " + id + "\r\n")->read_until("later");
    CHECK(rest.find("earlier") == std::string::npos);
    CHECK(api.follow("", "Last-Event-ID: nonsense\r\n")->read_until("later").find("earlier") != std::string::npos);
}

TEST_CASE("Nothing that a module says is taken for an event", "[http][api][tasks]") {
    LogApi api;
    api.say("x\r\rdata: {}\n\nevent: end\r\n\r\n0\r\n\r\n\xff\xfe caf\xc3", 0, true);
    const auto stream = api.follow();
    const std::string told = stream->read_until("caf");
    CHECK(told.find("\nevent: end") == std::string::npos);
    CHECK(told.find('\xff') == std::string::npos);
    api.say("\xa9!\n");
    api.set_running(false);
    CHECK(stream->read_until(end_of_stream).find("\xc3\xa9!") != std::string::npos);
}

TEST_CASE("What a module writes into a file of its own is followed as well", "[http][api][tasks]") {
    LogApi api;
    const std::string file = (api.folder / "bone.txt").string();
    write_file(file, "old\nnew\n");
    api.say("", 0, true, "t1/0/a", file);
    const auto stream = api.follow("&tail=1");
    CHECK(stream->read_until("new").find("old") == std::string::npos);
    write_file(file, "old\nnew\nnewest\n");
    stream->read_until(R"("text":"newest\n")");
}

TEST_CASE("Logs that are followed count among the live streams", "[http][api][tasks]") {
    LogApi api;
    std::vector<std::unique_ptr<HttpClient>> streams;
    for (int i = 0; i < 8; ++i) {
        streams.push_back(api.follow());
        streams.back()->read_until("retry");
    }
    CHECK(api.get("/tasks/t1/steps/0/log?follow=true").status == 503);
    CHECK(api.get("/events").status == 503);
    CHECK(api.get("/tasks/t1/steps/0/log").status == 404);
    // Another one has seats of its own.
    CHECK_FALSE(api.follow_as(api.full_token(Role::viewer, true))->read_until("retry").empty());
}

TEST_CASE("A log ends when its reader may no longer see patients", "[http][api][tasks]") {
    LogApi api;
    const User user = api.add_user("vera", Role::viewer, true);
    const auto stream = api.follow_as(api.token_of(user, {"read", "phi"}));
    stream->read_until("retry");
    const auto shown = api.get("/users/" + user.id);
    const auto changed = api.call("PATCH", "/users/" + user.id, {{"phi", false}},
                                  {api.with_patients, {"If-Match", shown.headers.at("etag")}});
    CHECK(changed.status == 200);
    const std::string end = stream->read_until("0\r\n\r\n");
    CHECK(end.find("event: end") == std::string::npos);
}

TEST_CASE("Pieces of a text end with whole letters", "[http][api][tasks]") {
    CHECK(api::complete_letters("abc") == "abc");
    CHECK(api::complete_letters("") == "");
    CHECK(api::complete_letters("ab\xc3\xa9") == "ab\xc3\xa9");
    CHECK(api::complete_letters("ab\xc3") == "ab");
    CHECK(api::complete_letters("ab\xf0\x9f\x98") == "ab");
    CHECK(api::complete_letters("ab\xf0\x9f\x98\x80") == "ab\xf0\x9f\x98\x80");
    // What is no letter at all stays.
    CHECK(api::complete_letters("\x80\x80\x80\x80\x80") == "\x80\x80\x80\x80\x80");
}

TEST_CASE("Events of a log are numbered by their place in it", "[http][api][tasks]") {
    const ModuleLogPlace place{"t1/0/a-b.c", 3, 12};
    CHECK(api::event_id_of(place) == "a-b.c.3.12");
    CHECK(api::place_of_event_id("a-b.c.3.12", "t1", 0) == place);
    for (const char* id : {"", "a", "a.1", "a.x.1", "a.1.x", "a.-1.1", "a.1.-1", ".1.1", "a..1", "a.1.",
                           "a.1.99999999999999999999999"}) {
        CAPTURE(id);
        CHECK_FALSE(api::place_of_event_id(id, "t1", 0));
    }
}
