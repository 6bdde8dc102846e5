#include "pipeline/runners/new_lines.hpp"

#include "support/catch.hpp"

using namespace quicksilver;

namespace {

struct Reading {
    std::string got;
    NewLines lines{[this](std::string_view text) { got += text; }};
};

}  // namespace

TEST_CASE("Lines that come again are handed on once", "[pipeline][runners]") {
    Reading reading;
    reading.lines("2026-01-01T00:00:01.5Z a\n2026-01-01T00:00:02.5Z b\n");
    CHECK(reading.lines.again() == "2026-01-01T00:00:02.5Z");
    reading.lines("2026-01-01T00:00:01.5Z a\n2026-01-01T00:00:02.5Z b\n2026-01-01T00:00:03.5Z c\n");
    CHECK(reading.got == "2026-01-01T00:00:01.5Z a\n2026-01-01T00:00:02.5Z b\n2026-01-01T00:00:03.5Z c\n");
}

TEST_CASE("Of many lines of one second none is lost and none comes twice", "[pipeline][runners]") {
    const std::string second = "2026-01-01T00:00:07Z ";
    Reading reading;
    std::string all;
    for (int number = 0; number < 100; ++number) all += second + std::to_string(number) + "\n";
    const std::size_t half = all.find(second + "50\n");
    reading.lines(std::string_view(all).substr(0, half));
    for (int times = 0; times < 2; ++times) {
        CHECK(reading.lines.again() == "2026-01-01T00:00:07Z");
        reading.lines(std::string_view(all).substr(0, half));
        reading.lines(std::string_view(all).substr(half));
        CHECK(reading.got == all);
    }
}

TEST_CASE("When the engine has thrown lines away, the last ones are handed on", "[pipeline][runners]") {
    const std::string second = "2026-01-01T00:00:07Z ";
    Reading reading;
    for (int number = 0; number < 10; ++number) reading.lines(second + "early\n");
    reading.got.clear();
    CHECK(reading.lines.again() == "2026-01-01T00:00:07Z");
    reading.lines(second + "late\n" + second + "the end\n");
    CHECK(reading.got.empty());
    reading.lines.finish();
    const std::string said = second + "(the container engine has thrown away output here)\n";
    CHECK(reading.got == said + second + "late\n" + second + "the end\n");
    reading.lines.finish();
    CHECK(reading.got.size() == said.size() + 2 * second.size() + 13);
}

TEST_CASE("Asked again before anything came, everything is new", "[pipeline][runners]") {
    Reading reading;
    CHECK(reading.lines.again().empty());
    reading.lines("2026-01-01T00:00:01Z a\n");
    reading.lines("2026-01-01T00:00:01Z b\n");
    CHECK(reading.got == "2026-01-01T00:00:01Z a\n2026-01-01T00:00:01Z b\n");
}
