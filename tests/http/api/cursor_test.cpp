#include "http/api/cursor.hpp"

#include "http/api/problem_error.hpp"
#include "support/catch.hpp"

using namespace quicksilver::api;

TEST_CASE("A cursor comes back as it was made", "[http][api][cursor]") {
    const nlohmann::json position = {{"id", 5}, {"time", "2026-11-22T10:17:52.000Z"}};
    CHECK(read_cursor("key", "series", make_cursor("key", "series", position)) == position);
}

TEST_CASE("A cursor of another list, another server or of one's own making is refused", "[http][api][cursor]") {
    const std::string good = make_cursor("key", "series", 5);
    CHECK_THROWS_AS(read_cursor("key", "tasks", good), ProblemError);
    CHECK_THROWS_AS(read_cursor("other", "series", good), ProblemError);
    for (std::size_t i = 0; i < good.size(); ++i) {
        std::string changed = good;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        CHECK_THROWS_AS(read_cursor("key", "series", changed), ProblemError);
    }
    for (const char* made_up : {"", ".", "NQ", "NQ.", ".AAAAAAAAAAAAAAAAAAAAAA", "\xff"}) {
        CHECK_THROWS_AS(read_cursor("key", "series", made_up), ProblemError);
    }
}
