#include "quicksilver/core/log_ring.hpp"

#include "quicksilver/core/peer_text.hpp"

#include "support/catch.hpp"

using namespace quicksilver;

namespace {

struct Counting final : LogSink {
    void write(LogLevel, std::string_view, std::string_view, std::initializer_list<LogField>) override { ++lines; }
    int lines = 0;
};

std::string messages(const std::vector<LogLine>& lines) {
    std::string all;
    for (const LogLine& line : lines) all += line.message + ";";
    return all;
}

}  // namespace

TEST_CASE("The last lines are remembered, newest first, and all are passed on", "[core][log]") {
    const auto next = std::make_shared<Counting>();
    const auto ring = std::make_shared<LogRing>(next, 3);
    const Log log(ring, "a");
    for (const char* text : {"one", "two", "three", "four"}) log.info(text);
    CHECK(next->lines == 4);
    CHECK(messages(ring->lines({})) == "four;three;two;");
    LogRing::Filter filter;
    filter.before = 4;
    filter.limit = 1;
    CHECK(messages(ring->lines(filter)) == "three;");
}

TEST_CASE("Lines are found by level, area and text", "[core][log]") {
    const auto ring = std::make_shared<LogRing>(make_silent_log());
    ring->set_level(LogLevel::debug);
    const Log log(ring, "a");
    log.debug("begin", kv("series", "1.2.3"));
    log.named("b").error("refused", kv("target", "pacs"));
    log.trace("not written");
    CHECK(messages(ring->lines({})) == "refused;begin;");
    CHECK(messages(ring->lines({LogLevel::warn, "", ""})) == "refused;");
    CHECK(messages(ring->lines({LogLevel::trace, "a", ""})) == "begin;");
    CHECK(messages(ring->lines({LogLevel::trace, "", "pacs"})) == "refused;");
    CHECK(messages(ring->lines({LogLevel::trace, "", "2.3"})) == "begin;");
    CHECK(messages(ring->lines({LogLevel::trace, "", "nothing"})).empty());
}

TEST_CASE("The log has neither what peers said nor what steers a terminal", "[core][log]") {
    const auto ring = std::make_shared<LogRing>(make_silent_log());
    ring->set_level(LogLevel::debug);
    const Log log(ring, "a");
    log.warn("refused: " + peer_text("Doe^Jane"), kv("reason", "status 1: " + peer_text("Doe^Jane")),
             kv("calling", "\x1b[2JCT\n"));
    const LogLine line = ring->lines({}).front();
    CHECK(line.message == "refused: ⟪…⟫");
    CHECK(line.fields[0].second == "status 1: ⟪…⟫");
    CHECK(line.fields[1].second == "\\x1b[2JCT\\x0a");
}
