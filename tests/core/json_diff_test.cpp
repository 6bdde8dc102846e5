#include "quicksilver/core/json_diff.hpp"

#include "support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace quicksilver;
using nlohmann::json;

TEST_CASE("A difference names each member that was added, removed or replaced", "[core][json]") {
    struct Case {
        const char* before;
        const char* after;
        const char* expected;
    };
    const Case cases[] = {
        {R"({"a": 1})", R"({"a": 1})", "[]"},
        {R"({"a": 1})", R"({"a": 2})", R"([{"from":1,"op":"replace","path":"/a","to":2}])"},
        {R"({})", R"({"a": {"b": 1}})", R"([{"op":"add","path":"/a","to":{"b":1}}])"},
        {R"({"a": {"b": 1, "c": 2}})", R"({"a": {"c": 2}})", R"([{"from":1,"op":"remove","path":"/a/b"}])"},
        {R"({"a": [1, 2]})", R"({"a": [1]})", R"([{"from":[1,2],"op":"replace","path":"/a","to":[1]}])"},
        {R"({"a": {}})", R"({"a": null})", R"([{"from":{},"op":"replace","path":"/a","to":null}])"},
        {R"({"x/y~": 1})", R"({"x/y~": 2})", R"([{"from":1,"op":"replace","path":"/x~1y~0","to":2}])"},
    };
    for (const Case& one : cases) {
        INFO(one.before << " → " << one.after);
        CHECK(json_diff(json::parse(one.before), json::parse(one.after)).dump() == one.expected);
    }
}
