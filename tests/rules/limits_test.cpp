#include "quicksilver/rules/limits.hpp"

#include "support.hpp"
#include "support/catch.hpp"

#include <fmt/format.h>

#include <random>

using namespace quicksilver;
using namespace quicksilver::rules;

TEST_CASE("Every limit ends the evaluation with its name", "[limits]") {
    const auto repeated = [](std::string_view part, unsigned times) {
        std::string out;
        for (unsigned i = 0; i < times; ++i) out += part;
        return out;
    };
    struct Row {
        std::string text, code;
    };
    const std::vector<Row> rows{
        {fmt::format("'{}'", repeated("a", 50'000)), "limit_text"},
        {repeated("(", 201) + "1" + repeated(")", 201), "limit_nesting"},
        {repeated("not ", 2'000) + "1", "limit_nesting"},
        {repeated("-", 2'000) + "1", "limit_nesting"},
        {repeated("1+", 5'000) + "1", "limit_nesting"},
        {"x = []; x.append(x); y = []; y.append(y); x == y", "limit_nesting"},
        {"sum(range(100000000))", "limit_steps"},
        {"len(list(range(10000000)))", "limit_steps"},
        {"'a' * 131071 + 'b' in 'a' * 262144", "limit_steps"},
        {"x = ('a' * 262144).lower(); len(sorted([x, x] * 30000))", "limit_steps"},
        {"x = 'a' * 262144; all(map(str.isalpha, [x] * 60000))", "limit_steps"},
        {"x = (1, 1)" + repeated("; x = (x, x)", 60) + "; {x}", "limit_steps"},
        {"[0] * 1000000000", "limit_memory"},
        {"x = [0] * 100000; y = x * 9; z = y + y; z + z", "limit_memory"},
        {"'a' * 262145", "limit_string"},
        {"'a'.zfill(300000)", "limit_string"},
        {"'%999999d' % 1", "limit_string"},
        {"2 ** 10001", "limit_exponent"},
        {"1 << 1001", "limit_shift"},
        {"2 ** 63", "limit_integer"},
        {"9223372036854775807 + 1", "limit_integer"},
        {"(-9223372036854775807 - 1) // -1", "limit_integer"},
        {"factorial(21)", "limit_integer"},
        {"int('9223372036854775808')", "limit_integer"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text.substr(0, 60));
        CHECK(result_of(row.text) == row.code);
    }
    CHECK(result_of(repeated("(", 200) + "1" + repeated(")", 200)) == "1");
    CHECK(result_of("len('a' * 262144)") == "262144");
    CHECK(result_of("2 ** 62 - 1 + 2 ** 62") == "9223372036854775807");
}

TEST_CASE("Explaining changes no result", "[limits]") {
    EvaluationOptions options;
    options.explain = true;
    std::string text = "x = (1, 1)";
    for (int i = 0; i < 60; ++i) text += "; x = (x, x)";
    for (const std::string& rule : {text + "; x", std::string("[0] * 90000"), std::string("['a' * 20000] * 500")}) {
        CAPTURE(rule.substr(0, 40));
        const Evaluation evaluation = evaluate(Expression::compile(rule), Tags(), options);
        CHECK(evaluation.triggered);
        CHECK_FALSE(evaluation.error);
    }
}

TEST_CASE("A value too large to show still triggers", "[limits]") {
    const Evaluation evaluation = evaluate(Expression::compile("'\x01' * 200000"), Tags());
    CHECK(evaluation.triggered);
    CHECK_FALSE(evaluation.error);
}

TEST_CASE("Random bytes and random pieces of rules never crash and always end", "[limits]") {
    const std::vector<std::string> pieces{
        "tags",       ".",      "Modality", "[",   "]",   "(",    ")",   "{",    "}",        "'",   "\"",
        "==",         "=",      "in",       "not", "and", "or",   " ",   "\n",   "@",        "%",   "1",
        "9999999999", "0x",     "1e999",    "*",   "**",  "-",    "~",   ":",    ",",        ";",   "if",
        "else",       "lambda", "for",      "f'",  "b'",  "\\",   "#",   "map",  "sorted",   "len", "list",
        "str",        "'a'",    "x",        "x=",  "ä",   "\xFF", "...", "None", "range(9)", "set", "<<"};
    std::mt19937 random(7);
    const Tags tags = tags_of({{"Modality", "MR"}, {"", ""}});
    EvaluationOptions options;
    options.explain = true;
    options.limits.steps = 20'000;
    options.limits.memory_bytes = 1 << 20;
    for (int round = 0; round < 20'000; ++round) {
        std::string text;
        const bool bytes = round % 4 == 0;
        for (auto i = random() % 24; i > 0; --i) {
            text += bytes ? std::string(1, static_cast<char>(random() % 256)) : pieces[random() % pieces.size()];
        }
        const Evaluation evaluation = evaluate(Expression::compile(text), tags, options);
        CHECK((!evaluation.triggered || !evaluation.error));
        CHECK_NOTHROW(to_json(evaluation).dump());
    }
}
