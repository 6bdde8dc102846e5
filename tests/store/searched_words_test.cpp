#include "store/searched_words.hpp"

#include "support/catch.hpp"

using namespace quicksilver;

TEST_CASE("A search is taken apart into words that an index finds, and shorter ones", "[store][search]") {
    struct Case {
        std::string_view text;
        const char* match;
        const char* pattern;
    };
    const Case cases[] = {
        {"", "", ""},
        {"  ", "", ""},
        {"doe", R"("doe")", ""},
        {"Jane  Doe ", R"("Jane" AND "Doe")", ""},
        {"doe j", R"("doe")", "%j%"},
        {"CT 5%", "", R"(%CT%5\%%)"},
        {"王芳", "", "%王芳%"},
        {"王小芳", R"("王小芳")", ""},
        {R"(a"b* OR NEAR)", R"("a""b*" AND "NEAR")", "%OR%"},
        {std::string_view("nul\0byte", 8), R"("nul" AND "byte")", ""},
    };
    for (const Case& one : cases) {
        CAPTURE(one.text);
        const SearchedWords words = searched_words(one.text, true);
        CHECK(words.match == one.match);
        CHECK(words.pattern == one.pattern);
    }
}

TEST_CASE("Without the permission no column of patients is searched", "[store][search][phi]") {
    CHECK(searched_words("doe", false).match ==
          R"({series_uid study_uid tag_seriesdescription tag_studydescription} : ("doe"))");
    CHECK(searched_words("", false).match.empty());
}
