#include "http/api/idempotency.hpp"

#include "http/api/problem_error.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::api;
using namespace std::chrono_literals;

namespace {

const SteadyTime start{std::chrono::hours(1000)};

HttpResponse made(std::string body) {
    HttpResponse response;
    response.status = 201;
    response.body = std::move(body);
    return response;
}

}  // namespace

TEST_CASE("The same request under the same key gets the same answer for a day", "[http][api][idempotency]") {
    IdempotencyKeys keys;
    CHECK_FALSE(keys.begin({"anna", "1"}, "request", start));
    keys.finish({"anna", "1"}, made("first"));
    const auto again = keys.begin({"anna", "1"}, "request", start + 23h);
    REQUIRE(again);
    CHECK(again->status == 201);
    CHECK(again->body == "first");
    CHECK_FALSE(keys.begin({"anna", "1"}, "request", start + 25h));
}

TEST_CASE("A key does not stand for two requests, nor for one that still runs", "[http][api][idempotency]") {
    IdempotencyKeys keys;
    CHECK_FALSE(keys.begin({"anna", "1"}, "request", start));
    CHECK_THROWS_AS(keys.begin({"anna", "1"}, "request", start), ProblemError);
    keys.finish({"anna", "1"}, made("first"));
    CHECK_THROWS_AS(keys.begin({"anna", "1"}, "another", start), ProblemError);
}

TEST_CASE("After a refusal the key is free again", "[http][api][idempotency]") {
    IdempotencyKeys keys;
    CHECK_FALSE(keys.begin({"anna", "1"}, "request", start));
    keys.give_up({"anna", "1"});
    CHECK_FALSE(keys.begin({"anna", "1"}, "mended", start));
}

namespace {

void use_keys(IdempotencyKeys& keys, const std::string& user, std::size_t count, SteadyTime begin) {
    for (std::size_t i = 0; i < count; ++i) {
        CHECK_FALSE(keys.begin({user, std::to_string(i)}, "request", begin + std::chrono::milliseconds(i)));
        keys.finish({user, std::to_string(i)}, made("x"));
    }
}

}  // namespace

TEST_CASE("An answer that was too long to be kept is not repeated empty", "[http][api][idempotency]") {
    IdempotencyKeys keys;
    CHECK_FALSE(keys.begin({"anna", "1"}, "request", start));
    keys.finish({"anna", "1"}, made(std::string(IdempotencyKeys::answer_bytes_max + 1, 'x')));
    try {
        keys.begin({"anna", "1"}, "request", start + 1h);
        FAIL("no refusal");
    } catch (const ProblemError& refused) {
        CHECK(refused.status() == 409);
        CHECK(std::string(refused.what()).find("succeeded") != std::string::npos);
    }
}

TEST_CASE("Ever new keys push out the oldest", "[http][api][idempotency]") {
    IdempotencyKeys keys;
    use_keys(keys, "anna", IdempotencyKeys::kept_max + 1, start);
    CHECK_FALSE(keys.begin({"anna", "0"}, "request", start + 1h));
    CHECK(keys.begin({"anna", std::to_string(IdempotencyKeys::kept_max - 1)}, "request", start + 1h));
}

TEST_CASE("Nobody loses a key to the keys of another", "[http][api][idempotency]") {
    IdempotencyKeys keys;
    use_keys(keys, "otto", 1, start);
    use_keys(keys, "vera", 10, start);
    use_keys(keys, "anna", IdempotencyKeys::kept_max * 2, start + 1s);
    CHECK(keys.begin({"otto", "0"}, "request", start + 1h));
    for (int i = 0; i < 10; ++i) CHECK(keys.begin({"vera", std::to_string(i)}, "request", start + 1h));
}

TEST_CASE("A request that still runs keeps its key", "[http][api][idempotency]") {
    IdempotencyKeys keys;
    CHECK_FALSE(keys.begin({"anna", "slow"}, "request", start));
    use_keys(keys, "anna", IdempotencyKeys::kept_max + 1, start + 1s);
    CHECK_THROWS_AS(keys.begin({"anna", "slow"}, "request", start + 1h), ProblemError);
    for (std::size_t i = 0; i < IdempotencyKeys::kept_max + 100; ++i) {
        CHECK_FALSE(keys.begin({"otto", "running " + std::to_string(i)}, "request", start + 2h));
    }
    CHECK_THROWS_AS(keys.begin({"otto", "running 0"}, "request", start + 2h), ProblemError);
}
