#include "quicksilver/dicom/dictionary.hpp"

#include "dicom/dicom_environment.hpp"
#include "support/catch.hpp"

using namespace quicksilver::dicom;
using namespace quicksilver::test;

TEST_CASE("Tags are found by the beginning of their keyword or number", "[dicom][dictionary]") {
    require_dicom();
    const auto names = find_in_dictionary("patientna", 10);
    REQUIRE_FALSE(names.empty());
    CHECK(names[0].keyword == "PatientName");
    CHECK(names[0].tag == "0010,0010");
    CHECK(names[0].vr == "PN");
    const auto numbers = find_in_dictionary("0010,001", 100);
    CHECK(numbers.size() >= 1);
    CHECK(find_in_dictionary("", 7).size() == 7);
    CHECK(find_in_dictionary("NoSuchTag", 7).empty());
}

TEST_CASE("The keyword of an element is known by its number", "[dicom][dictionary]") {
    require_dicom();
    CHECK(keyword_of("00100010") == "PatientName");
    CHECK(keyword_of("00091001").empty());
    CHECK(keyword_of("0010").empty());
    CHECK(keyword_of("0010001g").empty());
}
