#include "quicksilver/http/operations.hpp"

#include "quicksilver/http/event_hub.hpp"

#include "support/catch.hpp"
#include "support/manual_clock.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

using namespace quicksilver;
using namespace quicksilver::test;
using nlohmann::json;

namespace {

struct Bench {
    boost::asio::io_context io;
    ManualClock clock;
    EventHub events{io.get_executor()};
    Operations operations{io.get_executor(), clock, events, Log(make_silent_log(), "test")};

    std::string begin(Operations::Work work) {
        const auto begun = operations.begin("test", "pacs", "anna", std::move(work));
        return begun ? (*begun)->id() : begun.error().message;
    }
    json run(Operations::Work work) {
        const std::string id = begin(std::move(work));
        io.run();
        io.restart();
        return operations.find(id)->view();
    }
};

boost::asio::awaitable<Result<json>> succeed(Operations::Operation& operation) {
    operation.set_total(2, "items");
    operation.advance();
    operation.advance();
    co_return json{{"found", 3}};
}

boost::asio::awaitable<Result<json>> refuse(Operations::Operation& operation) {
    operation.add_step({{"name", "dns"}, {"ok", false}});
    co_return Error{Errc::not_found, "There is no such host."};
}

boost::asio::awaitable<Result<json>> break_down(Operations::Operation&) {
    throw std::runtime_error("secret reason");
    co_return json();
}

boost::asio::awaitable<Result<json>> stop_when_asked(Operations::Operation& operation) {
    co_return operation.is_cancelled() ? Result<json>(json()) : Result<json>(json("went on"));
}

}  // namespace

TEST_CASE("An operation that ended shows its result and how far it came", "[http][operations]") {
    Bench bench;
    const json done = bench.run(succeed);
    CHECK(done.at("state") == "done");
    CHECK(done.at("result") == json{{"found", 3}});
    CHECK(done.at("progress") == json{{"done", 2}, {"total", 2}, {"unit", "items"}});
    CHECK_FALSE(done.at("ended_at").is_null());
}

TEST_CASE("An operation that failed says why, but not what only the log should know", "[http][operations]") {
    Bench bench;
    const json refused = bench.run(refuse);
    CHECK(refused.at("state") == "failed");
    CHECK(refused.at("problem") == json{{"code", "not_found"}, {"detail", "There is no such host."}});
    CHECK(refused.at("steps").size() == 1);
    CHECK(bench.run(break_down).dump().find("secret reason") == std::string::npos);
}

TEST_CASE("An operation that its owner ends is cancelled", "[http][operations]") {
    Bench bench;
    const std::string id = bench.begin(stop_when_asked);
    bench.operations.find(id)->cancel();
    bench.io.run();
    CHECK(bench.operations.find(id)->view().at("state") == "cancelled");
    CHECK(bench.operations.find(id)->view().at("result").is_null());
}

TEST_CASE("Operations are forgotten an hour after their end", "[http][operations]") {
    Bench bench;
    const std::string id = bench.run(succeed).at("id");
    bench.clock.advance(std::chrono::minutes(59));
    CHECK(bench.operations.find(id) != nullptr);
    bench.clock.advance(std::chrono::minutes(2));
    CHECK(bench.operations.find(id) == nullptr);
}

TEST_CASE("No more operations run than the limit, and none after the stop", "[http][operations]") {
    Bench bench;
    for (std::size_t n = 0; n < Operations::running_max; ++n) bench.begin(succeed);
    CHECK(bench.begin(succeed).find("Too many") != std::string::npos);
    boost::asio::co_spawn(bench.io, bench.operations.stop(std::chrono::seconds(1)), boost::asio::detached);
    bench.io.run();
    CHECK(bench.operations.running() == 0);
    CHECK(bench.begin(succeed).find("Too many") != std::string::npos);
}
