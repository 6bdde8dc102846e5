#include "quicksilver/store/revisions.hpp"

#include "store/administration_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;

TEST_CASE("Every revision is kept whole, and each object knows when it changed last", "[store][revisions]") {
    AdministrationFixture f;
    Revisions revisions(*f.administration);
    CHECK(revisions.last() == 0);
    Revision first;
    first.author = "anna";
    first.source = "interface";
    first.message = "begin";
    first.changes = nlohmann::json::array({{{"op", "add"}, {"path", "/rules/a"}}});
    CHECK(revisions.add(first, "{}", {{"rule", "a"}, {"rule", "b"}}, f.now) == 1);
    CHECK(revisions.add(first, "{ }", {{"rule", "a"}}, f.now) == 2);
    CHECK(revisions.last() == 2);
    CHECK(revisions.document(1) == "{}");
    CHECK(revisions.document(2) == "{ }");
    CHECK_FALSE(revisions.document(3));
    CHECK(revisions.revision_of({"rule", "a"}) == 2);
    CHECK(revisions.revision_of({"rule", "b"}) == 1);
    CHECK(revisions.revision_of({"target", "a"}) == 0);
    CHECK(revisions.find(1)->changes == first.changes);
    CHECK(revisions.list(INT64_MAX, 10).size() == 2);
    CHECK(revisions.list(2, 10).front().number == 1);
}
