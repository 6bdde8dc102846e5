#include "http/api/json_schema.hpp"

#include "support/catch.hpp"

using namespace quicksilver::api;
using nlohmann::json;

namespace {

std::string faults(const json& schema, const char* text) {
    const json definitions = {{"Name", schema::required_text(5)}};
    std::string all;
    for (const FieldError& fault : schema_faults(schema, json::parse(text), definitions)) {
        all += fault.pointer + " " + fault.code + "; ";
    }
    return all;
}

}  // namespace

TEST_CASE("A schema finds every fault with its pointer", "[http][api][schema]") {
    const json schema = schema::object({{"name", {{"$ref", "#/components/schemas/Name"}}},
                                        {"port?", schema::integer(1, 65535)},
                                        {"kind?", schema::choice({"a", "b"})},
                                        {"list?", schema::list_of(schema::boolean())},
                                        {"note?", schema::optional(schema::text(3))},
                                        {"a/b~c?", schema::number()}});
    struct Case {
        const char* document;
        const char* expected;
    };
    const Case cases[] = {
        {R"({"name": "x"})", ""},
        {R"({"name": ""})", "/name length; "},
        {R"({"name": "äöüäö"})", ""},
        {R"({"name": "sixsix"})", "/name length; "},
        {R"({})", "/name missing; "},
        {R"([])", " type; "},
        {R"({"name": "x", "nmae": 1})", "/nmae unknown; "},
        {R"({"name": "x", "port": 0})", "/port range; "},
        {R"({"name": "x", "port": 65536})", "/port range; "},
        {R"({"name": "x", "port": 80.5})", "/port type; "},
        {R"({"name": "x", "port": 80.0})", ""},
        {R"({"name": "x", "port": 1e300})", "/port type; "},
        {R"({"name": "x", "port": "80"})", "/port type; "},
        {R"({"name": "x", "kind": "c"})", "/kind choice; "},
        {R"({"name": "x", "list": [true, 1, "x"]})", "/list/1 type; /list/2 type; "},
        {R"({"name": "x", "note": null})", ""},
        {R"({"name": "x", "note": "four"})", "/note length; "},
        {R"({"name": "x", "a/b~c": "y"})", "/a~1b~0c type; "},
        {R"({"name": 1, "port": -1, "z": 0})", "/name type; /port range; /z unknown; "},
    };
    for (const Case& one : cases) {
        INFO(one.document);
        CHECK(faults(schema, one.document) == one.expected);
    }
}

TEST_CASE("Of alternatives, the faults of the fitting type are told", "[http][api][schema]") {
    const json schema = {{"anyOf", json::array({schema::choice({"a"}), schema::object({{"x", schema::number()}})})}};
    CHECK(faults(schema, R"("a")").empty());
    CHECK(faults(schema, R"({"x": 1})").empty());
    CHECK(faults(schema, R"({"x": "1"})") == "/x type; ");
    CHECK(faults(schema, R"("b")") == " choice; ");
}

TEST_CASE("A body that is no JSON, or nested too deep, is refused with a reason", "[http][api][schema]") {
    const auto refusal = [](const std::string& text) {
        try {
            parse_body(text);
        } catch (const ProblemError& problem) {
            return std::to_string(problem.status()) + " " + problem.what();
        }
        return std::string("none");
    };
    CHECK(refusal("{\"a\": [1, 2, \"]]]]\"]}") == "none");
    CHECK(refusal("").starts_with("400 "));
    CHECK(refusal("{\"password\": secret").find("line 1, column") != std::string::npos);
    CHECK(refusal("{\"password\": secret").find("secret") == std::string::npos);
    CHECK(refusal("\"\xff\xfe\"").starts_with("400 "));
    CHECK(refusal(std::string(64, '[') + std::string(64, ']')) == "none");
    CHECK(refusal(std::string(65, '[') + std::string(65, ']')).find("64 deep") != std::string::npos);
    CHECK(refusal(std::string(5'000'000, '[')).find("64 deep") != std::string::npos);
}
