#include "quicksilver/core/tags.hpp"

#include "support/catch.hpp"

using quicksilver::Tags;

TEST_CASE("A repeated key keeps its places and its last value counts", "[core][tags]") {
    const Tags tags({{"Modality", "MR"}, {"PatientID", ""}, {"Modality", "CT"}});
    REQUIRE(tags.find("Modality") != nullptr);
    CHECK(*tags.find("Modality") == "CT");
    CHECK(tags.entries().size() == 3);
    CHECK(tags.contains("PatientID"));
    CHECK(tags.get("PatientID").empty());
    CHECK(tags.find("modality") == nullptr);
    REQUIRE(tags.find_ignoring_case("modality") != nullptr);
    CHECK(*tags.find_ignoring_case("MODALITY") == "CT");
    CHECK(tags.find_ignoring_case("StudyID") == nullptr);
}

TEST_CASE("Setting a tag replaces its value and keeps its place", "[core][tags]") {
    Tags tags({{"Modality", "MR"}, {"PatientID", "1"}});
    tags.set("Modality", "US");
    tags.set("mercureForceRule", "x");
    CHECK(tags.entries().front().second == "US");
    CHECK(tags.get("mercureForceRule") == "x");
}

TEST_CASE("The tags file escapes quotes, backslashes and control characters as mercure does", "[core][tags]") {
    const Tags tags({{"ImageType", "ORIGINAL\\PRIMARY"}, {"PatientName", "Ü \"x\"\n"}});
    CHECK(quicksilver::to_tags_file(tags) ==
          "{\n\"ImageType\": \"ORIGINAL\\u005cPRIMARY\",\n\"PatientName\": \"Ü \\u0022x\\u0022\\u000a\"\n}\n");
}
