#include "http/form.hpp"

#include "support/catch.hpp"

using namespace quicksilver;

TEST_CASE("The fields of a form are decoded, line ends too", "[http][form]") {
    const Form form("a=1&b=x+y%0Az&c&=d&&a=2&e=%C3%BC&f=100%&g=%zz&h=%4");
    CHECK(form.value("a") == "1");
    CHECK(form.value("b") == "x y\nz");
    CHECK(form.value("c").empty());
    CHECK(form.value("e") == "ü");
    CHECK(form.value("f") == "100%");
    CHECK(form.value("g") == "%zz");
    CHECK(form.value("h") == "%4");
    CHECK(form.value("none").empty());
    CHECK(form.fields().size() == 9);
    CHECK(Form("").fields().empty());
}
