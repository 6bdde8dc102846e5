#include "quicksilver/rules/expression.hpp"

#include "support.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::rules;

namespace {

struct Row {
    std::string text;
    std::string result;  // as printed, or the error's code
};

void check(const std::vector<Row>& rows, const Tags& tags = {}) {
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(result_of(row.text, tags) == row.result);
    }
}

const Tags& series() {
    static const Tags tags = tags_of({{"Modality", "MR"},
                                      {"SeriesDescription", "CINE 2ch"},
                                      {"SliceThickness", "1.5"},
                                      {"StationName", ""},
                                      {"x@y.com", "odd"}});
    return tags;
}

}  // namespace

TEST_CASE("Every operator has Python's result", "[expression]") {
    check({{"7 + 2", "9"},
           {"7 - 2", "5"},
           {"7 * 2", "14"},
           {"7 / 2", "3.5"},
           {"7 // 2", "3"},
           {"-7 // 2", "-4"},
           {"7 % 3", "1"},
           {"-7 % 3", "2"},
           {"7 % -3", "-2"},
           {"7.5 % 2", "1.5"},
           {"2 ** 10", "1024"},
           {"2 ** -1", "0.5"},
           {"6 & 3", "2"},
           {"6 | 3", "7"},
           {"6 ^ 3", "5"},
           {"1 << 4", "16"},
           {"-16 >> 2", "-4"},
           {"-3", "-3"},
           {"+True", "1"},
           {"~5", "-6"},
           {"not 0", "True"},
           {"1 == 1.0", "True"},
           {"1 != 2", "True"},
           {"'a' < 'b'", "True"},
           {"(1, 2) <= (1, 2)", "True"},
           {"2 > 1", "True"},
           {"[2] >= [1, 9]", "True"},
           {"'a' in 'cat'", "True"},
           {"1 not in [2]", "True"},
           {"None is None", "True"},
           {"1 is not None", "True"},
           {"0 and 1", "0"},
           {"2 and 3", "3"},
           {"0 or 'x'", "'x'"},
           {"'a' 'b'", "'ab'"},
           {"'ab' * 2", "'abab'"},
           {"'%s-%03d' % ('a', 7)", "'a-007'"},
           {"{1, 2} & {2, 3}", "{2}"},
           {"{1} | {2}", "{1, 2}"},
           {"{1, 2} - {2}", "{1}"},
           {"{1, 2} ^ {2, 3}", "{1, 3}"},
           {"{'a': 1} | {'b': 2}", "{'a': 1, 'b': 2}"},
           {"[1] + [2]", "[1, 2]"},
           {"True + True", "2"},
           {"True & False", "False"},
           {"1; 2", "2"}});
}

TEST_CASE("Comparisons chain and stop at the first that is false", "[expression]") {
    check({{"1 < 2 < 3", "True"}, {"1 < 3 < 2", "False"}, {"3 < 2 < 1 / 0", "False"}, {"1 == 1.0 == True", "True"}});
}

TEST_CASE("Slices and subscripts count as Python's do", "[expression]") {
    check({{"'abcdef'[1:4]", "'bcd'"},
           {"'abc'[-1]", "'c'"},
           {"'abcdef'[::-2]", "'fdb'"},
           {"'äöü'[1:]", "'öü'"},
           {"'abc'[5:]", "''"},
           {"[1, 2, 3][:-1]", "[1, 2]"},
           {"(1, 2)[1]", "2"},
           {"{'a': 1}['a']", "1"},
           {"range(10)[2:8:3]", "range(2, 8, 3)"},
           {"'abc'[3]", "index_error"},
           {"{}['a']", "key_error"},
           {"'abc'[::0]", "value_error"},
           {"'abc'['a']", "type_error"}});
}

TEST_CASE("Text methods work on characters of every script", "[expression]") {
    check({{"'MÜLLER'.lower()", "'müller'"},
           {"'straße'.upper()", "'STRASSE'"},
           {"'ΑΣ ΣΑΣ'.lower()", "'ας σας'"},
           {"' a '.strip()", "'a'"},
           {"'a_b_c'.split('_', 1)", "['a', 'b_c']"},
           {"'a  b'.split()", "['a', 'b']"},
           {"'abc'.startswith(('x', 'ab'))", "True"},
           {"'abc'.find('d')", "-1"},
           {"'aaa'.replace('a', 'b', 2)", "'bba'"},
           {"'banana'.count('an')", "2"},
           {"'12'.isdigit()", "True"},
           {"'٣'.isdecimal()", "True"},
           {"int('٣')", "3"},
           {"'7'.zfill(3)", "'007'"},
           {"'-7'.zfill(4)", "'-007'"},
           {"', '.join(['a', 'b'])", "'a, b'"},
           {"'ab cd'.title()", "'Ab Cd'"},
           {"'k=v'.partition('=')", "('k', '=', 'v')"},
           {"'a'.center(4, '*')", "'*a**'"},
           {"'x'.removeprefix('x')", "''"},
           {"'aß'.casefold()", "'ass'"},
           {"'a\\nb'.splitlines()", "['a', 'b']"},
           {"'abc'.index('z')", "value_error"},
           {"'a'.format()", "attribute_error"},
           {"'a'.encode()", "unsupported"}});
}

TEST_CASE("The builtins are mercure's", "[expression]") {
    check({{"bool('False')", "True"},
           {"int('0x1f', 16)", "31"},
           {"int(2.9)", "2"},
           {"float(' 1_0.5 ')", "10.5"},
           {"str(1.0)", "'1.0'"},
           {"list('ab')", "['a', 'b']"},
           {"tuple([1])", "(1,)"},
           {"dict(a=1)", "{'a': 1}"},
           {"set([1, 1])", "{1}"},
           {"frozenset('a')", "frozenset({'a'})"},
           {"len('äö')", "2"},
           {"sum([1, 2], 3)", "6"},
           {"min(3, 1)", "1"},
           {"max(['a', 'bb'], key=len)", "'bb'"},
           {"abs(-1.5)", "1.5"},
           {"all([])", "True"},
           {"any([0, 2])", "True"},
           {"sorted([3, 1], reverse=True)", "[3, 1]"},
           {"list(reversed('ab'))", "['b', 'a']"},
           {"list(range(3))", "[0, 1, 2]"},
           {"enumerate('a')", "[(0, 'a')]"},
           {"list(zip('a', [1]))", "[('a', 1)]"},
           {"list(filter(None, [0, 1]))", "[1]"},
           {"list(map(int, ['1']))", "[1]"},
           {"round(2.5)", "2"},
           {"round(1.25, 1)", "1.2"},
           {"pow(2, 10, 1000)", "24"},
           {"divmod(-7, 2)", "(-4, 1)"},
           {"chr(228)", "'ä'"},
           {"ord('ä')", "228"},
           {"hex(255)", "'0xff'"},
           {"oct(8)", "'0o10'"},
           {"bin(5)", "'0b101'"},
           {"format(3.14159, '.2f')", "'3.14'"},
           {"repr('a')", "\"'a'\""},
           {"sqrt(16)", "4.0"},
           {"ceil(1.2)", "2"},
           {"floor(-1.2)", "-2"},
           {"log(e)", "1.0"},
           {"log10(1000)", "3.0"},
           {"log2(8)", "3.0"},
           {"exp(0)", "1.0"},
           {"sin(0)", "0.0"},
           {"cos(0)", "1.0"},
           {"tan(0)", "0.0"},
           {"asin(0)", "0.0"},
           {"acos(1)", "0.0"},
           {"atan(0)", "0.0"},
           {"atan2(0, 1)", "0.0"},
           {"pi", "3.141592653589793"},
           {"isinf(float('inf'))", "True"},
           {"isnan(float('nan'))", "True"},
           {"fabs(-2)", "2.0"},
           {"factorial(5)", "120"},
           {"trunc(-1.9)", "-1"},
           {"complex(1, 2)", "unsupported"},
           {"print(1)", "name_error"},
           {"open('x')", "name_error"}});
}

TEST_CASE("Tags are read as mercure reads them", "[expression]") {
    check({{"tags.Modality", "'MR'"},
           {"tags.modality", "'MR'"},
           {"tags['Modality']", "'MR'"},
           {"tags['modality']", "tag_missing"},
           {"@Modality@", "'MR'"},
           {"@modality@", "tag_missing"},
           {"@Modality@ == 'MR' and @Nope@ == ''", "tag_missing"},
           {"'x@y.com' == 'a@b.com'", "False"},
           {"%Modality%", "'MR'"},
           {"'CINE' in %SeriesDescription%", "True"},
           {"7 %e% 2", "1.5634363430819098"},
           {"'Modality' in tags", "True"},
           {"'Nope' in tags", "False"},
           {"len(tags)", "5"},
           {"sorted(tags)[0]", "'Modality'"},
           {"tags.StationName", "''"},
           {"float(tags.StationName)", "value_error"},
           {"tags.Nope", "tag_missing"},
           {"not tags.Nope", "tag_missing"},
           {"True or tags.Nope", "True"},
           {"tags.Nope or True", "tag_missing"},
           {"tags._tags_dict['Modality']", "'MR'"},
           {"tags.__class__", "attribute_error"},
           {"tags.Modality = 'CT'; tags.Modality", "'CT'"}},
          series());
}

TEST_CASE("A tag set twice has its last value", "[expression]") {
    CHECK(result_of("tags.A", tags_of({{"A", "first"}, {"B", ""}, {"A", "last"}})) == "'last'");
    CHECK(result_of("len(tags)", tags_of({{"A", "first"}, {"A", "last"}})) == "1");
}

TEST_CASE("A tag that is no UTF-8 is read and compared", "[expression]") {
    const Tags tags = tags_of({{"PatientName", "M\xFCller"}});
    CHECK(result_of("tags.PatientName.endswith('ller')", tags) == "True");
    CHECK(result_of("len(tags.PatientName)", tags) == "6");
}

TEST_CASE("What mercure refuses is refused only when it is evaluated", "[expression]") {
    check({{"[x for x in 'ab']", "unsupported"},
           {"False and [x for x in 'ab']", "False"},
           {"(lambda: 1)", "unsupported"},
           {"f'{1}'", "unsupported"},
           {"f'a'", "'a'"},
           {"(x := 1)", "unsupported"},
           {"[*'ab']", "unsupported"},
           {"1j", "unsupported"},
           {"b'a'", "unsupported"},
           {"9223372036854775808", "unsupported"},
           {"import os", "unsupported"},
           {"x += 1", "unsupported"}});
}

TEST_CASE("Extensions are marked", "[expression][extension]") {
    struct Extension {
        std::string text, result, mark;
    };
    const std::vector<Extension> rows{{"1 if tags.Modality == 'MR' else 2", "1", "conditional"},
                                      {"matches('^C.NE', tags.SeriesDescription)", "True", "matches"},
                                      {"%Modality% == 'MR'", "True", "percent_tag"}};
    for (const Extension& row : rows) {
        CAPTURE(row.text);
        const Evaluation evaluation = evaluate(Expression::compile(row.text), series());
        CHECK(evaluation.value == row.result);
        CHECK(evaluation.extensions == std::vector<std::string>{row.mark});
    }
    CHECK(evaluate(Expression::compile("tags.Modality"), series()).extensions.empty());
    CHECK(result_of("matches('(', 'a')") == "value_error");
}

TEST_CASE("Tags beyond the tag set are asked from the header, when there is one", "[expression][extension]") {
    EvaluationOptions options;
    std::vector<std::string> asked;
    options.header = [&](std::string_view path) -> std::optional<std::string> {
        asked.emplace_back(path);
        if (path == "KVP" || path == "0018,0060") return "120";
        if (path == "RequestAttributesSequence[0].ScheduledProcedureStepID") return "S1";
        if (path == "0019,xx0c,SIEMENS MR HEADER") return "1000";
        return std::nullopt;
    };
    const auto result = [&](std::string_view text) { return result_of(text, series(), options); };
    CHECK(result("tags.KVP") == "'120'");
    CHECK(result("tags['0018,0060']") == "'120'");
    CHECK(result("tags['RequestAttributesSequence[0].ScheduledProcedureStepID']") == "'S1'");
    CHECK(result("tags['0019,xx0c,SIEMENS MR HEADER']") == "'1000'");
    CHECK(result("@KVP@ == '120'") == "True");
    CHECK(result("tags.Nope") == "tag_missing");
    CHECK(result("'KVP' in tags") == "False");
    asked.clear();
    CHECK(result("tags.Modality") == "'MR'");
    CHECK(asked.empty());
    CHECK(evaluate(Expression::compile("tags.KVP"), series(), options).extensions ==
          std::vector<std::string>{"header"});
}

TEST_CASE("An evaluation tells the tags that it read and those it missed", "[expression]") {
    const Evaluation evaluation =
        evaluate(Expression::compile("tags.modality == 'MR' and tags['StationName'] == '' and tags.Nope"), series());
    CHECK(evaluation.tags == std::vector<std::string>{"Modality", "StationName"});
    CHECK(evaluation.missing == std::vector<std::string>{"Nope"});
    CHECK(evaluation.tag_missing());
    const Expression expression = Expression::compile("tags.B == @A@ and tags['C'] in %D% and 'E' in tags");
    CHECK(expression.tags_mentioned() == std::vector<std::string>{"A", "B", "C", "D", "E"});
}

TEST_CASE("Assignments and other forgotten signs load, have mercure's result, and are warned of", "[expression]") {
    struct Warned {
        std::string text;
        bool triggers;
        std::string code;
    };
    const std::vector<Warned> rows{
        {"tags.Modality = 'MR'", false, "assignment"},
        {"", false, "empty_rule"},
        {"# nothing", false, "empty_rule"},
        {"tags.Modality == 'CT' or 'MR'", true, "constant_condition"},
        {"tags.Modality.lower == 'mr'", false, "method_not_called"},
        {"tags.Modality.lower", true, "method_not_called"},
        {"tags.SliceThickness == 1.5", false, "text_and_number"},
        {"tags.Modality is 'MR'", false, "identity"},
        {"False; True", true, "several_statements"},
    };
    for (const Warned& row : rows) {
        CAPTURE(row.text);
        CHECK(Expression::parse(row.text).ok());
        const Evaluation evaluation = evaluate(Expression::compile(row.text), series());
        CHECK(evaluation.triggered == row.triggers);
        CHECK_FALSE(evaluation.error);
        REQUIRE(evaluation.warnings.size() == 1);
        CHECK(evaluation.warnings[0].code == row.code);
    }
    CHECK(evaluate(Expression::compile("'MR' in tags.Modality and tags.SliceThickness < '2'"), series())
              .warnings.empty());
}

TEST_CASE("A syntax error says where and what", "[expression]") {
    struct Broken {
        std::string text, message;
        unsigned line, column;
    };
    const std::vector<Broken> rows{
        {"tags.Modality ==", "a value is expected where the line ends", 1, 17},
        {"tags.Modality == 'MR", "this text has no closing quote", 1, 18},
        {"('MR' in tags.Modality", "'(' was never closed", 1, 1},
        {"tags.Modality)", "unmatched ')'", 1, 14},
        {"[1)", "closing ')' does not match opening '['", 1, 3},
        {"ä $ b", "the character '$' has no meaning here", 1, 3},
        {"a b", "an operator or the end of the rule is expected instead of 'b'", 1, 3},
        {" True", "unexpected indent: remove the blanks at the start of the line", 1, 1},
        {"True and\nFalse", "a value is expected where the line ends", 1, 9},
        {"True\n  False", "unexpected indent: remove the blanks at the start of the line", 2, 1},
        {"007", "leading zeros in decimal integer literals are not permitted", 1, 1},
        {"1x", "invalid number: a letter follows it", 1, 1},
        {"tags.", "a name after '.' is expected where the line ends", 1, 6},
        {"f() = 1", "a value cannot be assigned to this; write '==' to compare", 1, 1},
        {"1 if 2", "'else' is expected where the line ends", 1, 7},
        {"f(a=1, 2)", "a positional argument cannot follow a named one", 1, 8},
        {"if True: 1", "'if' statements are not available in rules", 1, 1},
        {"x += 1", "'+=' is not available in rules", 1, 3},
        {"'\\x4'", "this escape sequence needs 2 hexadecimal digits", 1, 2},
        {"'a' b'b'", "bytes and text cannot be joined", 1, 1},
        {"@Modality@ = = 1", "a value is expected instead of '='", 1, 14},
    };
    for (const Broken& row : rows) {
        CAPTURE(row.text);
        const Expression expression = Expression::compile(row.text);
        CHECK_FALSE(expression.valid());
        REQUIRE(expression.diagnostics().size() == 1);
        CHECK(expression.diagnostics()[0].message == row.message);
        CHECK(expression.diagnostics()[0].range.line == row.line);
        CHECK(expression.diagnostics()[0].range.column == row.column);
        CHECK_FALSE(evaluate(expression, series()).triggered);
        CHECK(Expression::parse(row.text).error().message.find(row.message) != std::string::npos);
    }
}

TEST_CASE("An evaluation error says what failed and which part", "[expression]") {
    struct Failing {
        std::string text, code, message;
        unsigned column;
    };
    const std::vector<Failing> rows{
        {"True and 'a' < 1", "type_error", "'<' not supported between 'str' and 'int'", 10},
        {"1 + 'a'", "type_error", "unsupported operand types for +: 'int' and 'str'", 1},
        {"-'a'", "type_error", "bad operand type for unary -: 'str'", 1},
        {"1 in 'a'", "type_error", "'in <text>' needs a text on its left side, not int", 1},
        {"5()", "type_error", "'int' is not callable", 1},
        {"len(5)", "type_error", "object of type 'int' has no len()", 1},
        {"{[]: 1}", "type_error", "unhashable type: 'list' (it cannot be a key or an element of a set)", 1},
        {"float('x')", "value_error", "could not convert string to float: 'x'", 1},
        {"1 / 0", "zero_division_error", "division by zero in '/'", 1},
        {"Modality == 'MR'", "name_error", "name 'Modality' is not defined; write tags.Modality for the tag", 1},
        {"x == MRI", "name_error", "name 'x' is not defined; a text needs quotes: 'x'", 1},
        {"'a'.nope", "attribute_error", "'str' object has no attribute 'nope'", 1},
        {"'abc'[9]", "index_error", "string index out of range", 1},
        {"{}['k']", "key_error", "'k'", 1},
        {"exp(1000)", "overflow_error", "math range error", 1},
        {"sqrt(-1)", "value_error", "math domain error", 1},
        {"tags.Nope == 'a'", "tag_missing", "No such tag 'Nope' in tags list.", 1},
        {"(-8) ** 0.5", "unsupported",
         "complex numbers are not available in rules: a negative number has no such power", 1},
        {"@Modality@ < 1", "type_error", "'<' not supported between 'str' and 'int'", 1},
    };
    for (const Failing& row : rows) {
        CAPTURE(row.text);
        const Evaluation evaluation = evaluate(Expression::compile(row.text), series());
        REQUIRE(evaluation.error);
        CHECK(evaluation.error->code == row.code);
        CHECK(evaluation.error->message == row.message);
        CHECK(evaluation.error->range.column == row.column);
        CHECK_FALSE(evaluation.triggered);
    }
}

TEST_CASE("Every sub-expression is explained, and which one decided", "[expression][explain]") {
    EvaluationOptions options;
    options.explain = true;
    const std::string text = "tags.Modality == 'MR' and (tags.StationName != '' or float(@SliceThickness@) > 2)";
    const Evaluation evaluation = evaluate(Expression::compile(text), series(), options);
    REQUIRE_FALSE(evaluation.explain.empty());
    CHECK(evaluation.explain[0].text == text);
    CHECK(evaluation.explain[0].value == "False");
    std::vector<std::string> decisive;
    for (const Explained& part : evaluation.explain) {
        if (part.decisive) decisive.push_back(part.text + " = " + part.value);
    }
    CHECK(decisive ==
          std::vector<std::string>{"tags.StationName != '' = False", "float(@SliceThickness@) > 2 = False"});
    const auto has = [&](std::string_view part, std::string_view value) {
        for (const Explained& explained : evaluation.explain) {
            if (explained.text == part) return explained.value == value;
        }
        return false;
    };
    CHECK(has("@SliceThickness@", "'1.5'"));
    CHECK(has("tags.Modality == 'MR'", "True"));
}

TEST_CASE("The JSON of an evaluation has the documented members", "[expression]") {
    EvaluationOptions options;
    options.explain = true;
    const nlohmann::json good = to_json(evaluate(Expression::compile("(tags.Modality, 1.5, None)"), series(), options));
    CHECK(good["value"] == nlohmann::json::array({"MR", 1.5, nullptr}));
    CHECK(good["triggered"] == true);
    CHECK(good["error"].is_null());
    CHECK(good["tags"] == nlohmann::json::array({"Modality"}));
    CHECK(good["explain"].size() == 5);
    const nlohmann::json bad = to_json(evaluate(Expression::compile("1 +"), series()));
    CHECK(bad["value"].is_null());
    CHECK(bad["error"] == nlohmann::json({{"code", "syntax_error"},
                                          {"message", "a value is expected where the line ends"},
                                          {"line", 1},
                                          {"column", 4}}));
}
