#include "quicksilver/store/attention_marks.hpp"

#include "store/administration_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;

TEST_CASE("What somebody said of a problem is known after a restart", "[store][attention]") {
    AdministrationFixture fixture;
    AttentionMarks(*fixture.administration).acknowledge("target pacs", "refused", "anna", fixture.now);
    AttentionMarks(*fixture.administration).mute("target pacs", fixture.now + std::chrono::hours(1), fixture.now);
    fixture.administration = *Administration::open(fixture.file);
    const auto marks = AttentionMarks(*fixture.administration).all();
    const AttentionMark& mark = marks.at("target pacs");
    CHECK(mark.acknowledged_by == "anna");
    CHECK(mark.acknowledged_text == "refused");
    CHECK(mark.muted_until == fixture.now + std::chrono::hours(1));
}

TEST_CASE("Problems that are long gone are forgotten", "[store][attention]") {
    AdministrationFixture fixture;
    AttentionMarks marks(*fixture.administration);
    marks.mute("old", std::nullopt, fixture.now);
    marks.mute("new", std::nullopt, fixture.now + std::chrono::hours(24 * 100));
    CHECK(marks.all().size() == 1);
    CHECK_FALSE(marks.all().at("new").muted_until.has_value());
}
