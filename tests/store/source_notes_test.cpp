#include "quicksilver/store/source_notes.hpp"

#include "store/administration_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;

TEST_CASE("What people say of a source is known after a restart", "[store][sources]") {
    AdministrationFixture fixture;
    CHECK(SourceNotes(*fixture.administration).find("CT1@10.0.0.1").name.empty());
    SourceNote note{"CT in the basement", "asks for rest at night", 1800.5, false, fixture.now};
    SourceNotes(*fixture.administration).save("CT1@10.0.0.1", note);
    SourceNotes(*fixture.administration).save("MR1@10.0.0.2", SourceNote{"MR", "", std::nullopt, true, std::nullopt});
    fixture.administration = *Administration::open(fixture.file);
    const auto notes = SourceNotes(*fixture.administration).all();
    REQUIRE(notes.size() == 2);
    const SourceNote& ct = notes.at("CT1@10.0.0.1");
    CHECK(ct.name == "CT in the basement");
    CHECK(ct.comment == "asks for rest at night");
    CHECK(ct.expected_gap_s == 1800.5);
    CHECK(ct.muted_until == fixture.now);
    CHECK_FALSE(ct.is_muted(fixture.now));
    CHECK(ct.is_muted(fixture.now - std::chrono::seconds(1)));
    CHECK(notes.at("MR1@10.0.0.2").is_muted(fixture.now + std::chrono::hours(100'000)));
    SourceNotes(*fixture.administration).save("MR1@10.0.0.2", SourceNote{});
    CHECK_FALSE(SourceNotes(*fixture.administration).find("MR1@10.0.0.2").is_muted(fixture.now));
}
