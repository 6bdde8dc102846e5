#include "dicom/identity_words.hpp"

#include "support/catch.hpp"

using namespace quicksilver::dicom;

TEST_CASE("Names and numbers of a patient are found in texts", "[dicom][deidentify]") {
    IdentityWords words;
    words.add_name("Doe^Jane van");
    words.add_phrase("4711-A");
    words.add_phrase("HEAD");
    const auto [text, left] = GENERATE(table<std::string, std::string>({
        {"Mrs DOE, jane", "Mrs ***, ***"},
        {"Doenitz", "Doenitz"},
        {"scan of 4711-a done", "scan of *** done"},
        {"no4711-Ano", "no***no"},
        {"head and overhead", "*** and overhead"},
        {"nothing", "nothing"},
        {"", ""},
    }));
    CAPTURE(text);
    CHECK(words.without(text) == left);
    CHECK(words.occurs_in(text) == (text != left));
}

TEST_CASE("Short parts of names and numbers would be found everywhere, and are left", "[dicom][deidentify]") {
    IdentityWords words;
    words.add_name("Li^A");
    words.add_phrase("12");
    CHECK(words.empty());
}

TEST_CASE("Cleaning a description takes out what looks like identity", "[dicom][deidentify]") {
    IdentityWords words;
    words.add_name("Doe");
    const auto [text, left] = GENERATE(table<std::string, std::string>({
        {"T2 FLAIR 3 mm", "T2 FLAIR 3 mm"},
        {"CT 12.03.1960 abdomen", "CT *** abdomen"},
        {"phone 0123-456789", "phone ***"},
        {"Dr. Smith: thorax", "Dr. ***: thorax"},
        {"Frau Doe", "Frau ***"},
        {"mail j.doe@example.org now", "mail j.*** now"},
        {"MR 1.5T 512x512", "MR 1.5T 512x512"},
    }));
    CAPTURE(text);
    CHECK(words.cleaned(text) == left);
}
