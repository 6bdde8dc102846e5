#include "quicksilver/dicom/pseudonyms.hpp"

#include "support/catch.hpp"

#include <set>

using namespace quicksilver;

namespace {

/// No good hash, but one that differs by purpose, text and key.
dicom::Pseudonyms pseudonyms(unsigned key) {
    return dicom::Pseudonyms([key](std::string_view purpose, std::string_view text) {
        dicom::Pseudonyms::Digest digest{};
        std::uint64_t state = key * 1099511628211ULL + 14695981039346656037ULL;
        for (const std::string_view part : {purpose, text}) {
            for (const char c : part) state = (state ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
        }
        for (auto& byte : digest) {
            state = state * 6364136223846793005ULL + 1442695040888963407ULL;
            byte = static_cast<std::uint8_t>(state >> 56U);
        }
        return digest;
    });
}

}  // namespace

TEST_CASE("The same UID always becomes the same other one, and another one with another key", "[dicom][deidentify]") {
    const std::string uid = pseudonyms(1).uid("1.2.3.4");
    CHECK(uid == pseudonyms(1).uid("1.2.3.4"));
    CHECK(uid != pseudonyms(1).uid("1.2.3.5"));
    CHECK(uid != pseudonyms(2).uid("1.2.3.4"));
    CHECK(uid.starts_with("2.25."));
    CHECK(uid.size() <= 64);
}

TEST_CASE("UIDs of the standard and empty ones stay", "[dicom][deidentify]") {
    CHECK(pseudonyms(1).uid("1.2.840.10008.5.1.4.1.1.2") == "1.2.840.10008.5.1.4.1.1.2");
    CHECK(pseudonyms(1).uid("").empty());
}

TEST_CASE("A patient's pseudonym fits the attribute and is consistent", "[dicom][deidentify]") {
    const std::string name = pseudonyms(1).patient("4711");
    CHECK(name == pseudonyms(1).patient("4711"));
    CHECK(name != pseudonyms(1).patient("4712"));
    CHECK(name.starts_with("ANON-"));
    CHECK(name.size() == 5 + 16);
}

TEST_CASE("A patient's dates go back by the same number of days, within the limit", "[dicom][deidentify]") {
    std::set<int> shifts;
    for (int patient = 0; patient < 100; ++patient) {
        const int days = pseudonyms(1).days_back(std::to_string(patient), 30);
        CHECK(days == pseudonyms(1).days_back(std::to_string(patient), 30));
        CHECK(days >= 1);
        CHECK(days <= 30);
        shifts.insert(days);
    }
    CHECK(shifts.size() > 10);
}
