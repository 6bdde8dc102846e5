#include "quicksilver/store/password_rules.hpp"

#include "support/catch.hpp"

#include <string>

using namespace quicksilver;

TEST_CASE("Passwords that are guessed first are refused", "[store][passwords]") {
    for (const char* weak : {"short",          "elevenchars",          "aaaaaaaaaaaa",       "abcabcabcabc",
                             "abcdefghijkl",   "123456789012",         "password1234",       "P4ssw0rd!!!!",
                             "AdminAdmin2024", "quicksilver1",         "radiology2026",      "annaannaanna1",
                             "qwertz123456",   "Welcome2024!!",        "Krankenhaus1!",      "drowssapdrowssap",
                             "1qaz2wsx3edc",   "!QAZ2wsx#EDC",         "Summer2025Winter",   "qwertyuiop[]",
                             "Anna.1984.Anna", "iloveyou12345",        "Berlin030Berlin030", "00000000000a",
                             "letmein-please", "Sommer2024!Sommer",    "R4d10l0gy#2023",     "dicom-router-1",
                             "asdfghjkl123",   "manchester-manchester"}) {
        INFO(weak << " has " << guess_bits(weak, "anna") << " bits");
        CHECK_FALSE(check_password(weak, "anna").ok());
    }
}

TEST_CASE("Passwords of words of one's own, or of chance, are taken", "[store][passwords]") {
    for (const char* good : {"seven quiet otters", "gT7-pq!xW2zL", "Zürich im März", "8 x 8 macht 64 Felder",
                             "administrators love pizza", "xkqjwpnvbthd", "correct horse battery staple",
                             "nine loud herons", "tulpenzwiebelsuppe", "Wir essen um halb sieben."}) {
        INFO(good << " has " << guess_bits(good, "anna") << " bits");
        CHECK(check_password(good, "anna").ok());
    }
}

TEST_CASE("A password may have 128 characters and needs 12, however many bytes they take", "[store][passwords]") {
    const std::string words = "twenty seven quiet otters swim across the cold river at night ";
    CHECK(check_password(words + words + "1234", "anna").ok());
    CHECK_FALSE(check_password(words + words + words, "anna").ok());
    CHECK_FALSE(check_password("ÄÖÜßéèàçñøå", "anna").ok());
    CHECK(check_password("ÄÖÜßéèàçñøåæ", "anna").ok());
}

TEST_CASE("The own name makes no password, in any spelling", "[store][passwords]") {
    CHECK_FALSE(check_password("Ottokar.Ottokar!", "ottokar").ok());
    CHECK_FALSE(check_password("0tt0kar1234!!", "Ottokar").ok());
    CHECK(guess_bits("ottokar", "Ottokar") < guess_bits("ottokar", "anna"));
    // A name of two letters is in every second password.
    CHECK(guess_bits("boatbookboot", "bo") == guess_bits("boatbookboot", "anna"));
}
