#include "quicksilver/rules/template.hpp"

#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::rules;

namespace {

std::string render(std::string_view text, const nlohmann::json& variables = nlohmann::json::object(),
                   Escaping escaping = Escaping::none) {
    const Result<Template> parsed = Template::parse(text);
    if (!parsed) return parsed.error().message;
    const Result<std::string> rendered = parsed->render(variables, escaping);
    return rendered ? rendered.value() : rendered.error().message;
}

const nlohmann::json& event() {
    static const nlohmann::json variables{
        {"rule", "chest-ai"},    {"event", "COMPLETED"},           {"details", "lung: 2 <nodules>"},
        {"none_given", nullptr}, {"targets", {"pacs", "archive"}}, {"counts", {{"ct", 3}, {"mr", 1}}}};
    return variables;
}

}  // namespace

TEST_CASE("mercure's own notification bodies render as in mercure", "[template]") {
    const std::string body =
        "Rule {{ rule }} triggered {{ event }}\n{% if details is defined and details|length %}\nDetails:\n{{ details "
        "}}\n{%endif%}";
    CHECK(render(body, event()) == "Rule chest-ai triggered COMPLETED\n\nDetails:\nlung: 2 <nodules>\n");
    CHECK(render(body, {{"rule", "r"}, {"event", "RECEIVED"}, {"details", ""}}) == "Rule r triggered RECEIVED\n");
    const std::string mail = "Rule \"{{ rule }}\" triggered {{ event }}\nName: {{ patient_name }}\nACC: {{ acc }}\n";
    CHECK(render(mail, event()) == "Rule \"chest-ai\" triggered COMPLETED\nName: \nACC: ");
}

TEST_CASE("Expressions, filters, tests, conditions and loops", "[template]") {
    struct Row {
        std::string text, expected;
    };
    const std::vector<Row> rows{
        {"plain", "plain"},
        {"{{ 1 + 2 }}", "3"},
        {"{{ rule.upper() }}", "CHEST-AI"},
        {"{{ rule|upper }}", "CHEST-AI"},
        {"{{ rule|replace('-', ' ')|title }}", "Chest Ai"},
        {"{{ 'a' if 0 }}", ""},
        {"{{ 'a' if 0 else 'b' }}", "b"},
        {"{{ unknown }}", ""},
        {"{{ unknown.member.deep }}", ""},
        {"{{ unknown|default('x') }}", "x"},
        {"{{ ''|default('x', true) }}", "x"},
        {"{{ none_given }}", "None"},
        {"{{ none_given is none }}", "True"},
        {"{{ 3 is odd and 4 is not odd }}", "True"},
        {"{{ 'pacs' is in(targets) }}", "True"},
        {"{{ targets|join(', ') }}", "pacs, archive"},
        {"{{ targets|first }}{{ targets|last|length }}", "pacs7"},
        {"{{ counts.ct + counts['mr'] }}", "4"},
        {"{% for t in targets %}{{ loop.index }}:{{ t }}{% if not loop.last %}, {% endif %}{% endfor %}",
         "1:pacs, 2:archive"},
        {"{% for k, v in counts|items %}{{ k }}={{ v }};{% endfor %}", "ct=3;mr=1;"},
        {"{% for x in [] %}a{% else %}none{% endfor %}", "none"},
        {"{% if 0 %}a{% elif 1 %}b{% else %}c{% endif %}", "b"},
        {"{% set x = 5 %}{{ x * 2 }}", "10"},
        {"a {%- if 1 -%} b {%- endif -%} c", "abc"},
        {"a{# a comment {{ with marks }} #}b", "ab"},
        {"{% raw %}{{ x }}{% endraw %}", "{{ x }}"},
        {"{{ '}}' }}", "}}"},
        {"{{ {'a': {'b': 1}}['a'] }}", "{'b': 1}"},
        {"{{ targets|tojson }}", "[\"pacs\",\"archive\"]"},
        {"{{ '12'|int + '1.5'|float }}", "13.5"},
        {"{{ 'x'|int(7) }}", "7"},
        {"{{ 2.345|round(2) }}", "2.35"},
        {"{{ 'a long text'|truncate(6) }}", "a l..."},
        {"{{ true and not false }}", "True"},
        {"two\nlines\n", "two\nlines"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(render(row.text, event()) == row.expected);
    }
}

TEST_CASE("Output is escaped for HTML unless it says that it is safe", "[template]") {
    CHECK(render("{{ '<b>' }}", {}, Escaping::html) == "&lt;b&gt;");
    CHECK(render("{{ '<b>'|safe }}", {}, Escaping::html) == "<b>");
    CHECK(render("{{ '<b>'|e }}", {}, Escaping::html) == "&lt;b&gt;");
    CHECK(render("<i>{{ \"a'\" }}</i>", {}, Escaping::html) == "<i>a&#39;</i>");
    CHECK(render("{{ '<b>' }}") == "<b>");
    CHECK(render("\"{{ 'a\"\\n' }}\"", {}, Escaping::json) == "\"a\\\"\\n\"");
}

TEST_CASE("A body becomes part of a JSON payload as mercure escapes it", "[template]") {
    CHECK(escape_json("a\"b\n<x>&'\xC3\xBC") == "a\\\"b\\n\\u003cx\\u003e\\u0026\\u0027\\u00fc");
    std::string payload = "{";
    payload.append(render("\"text\": \"{{ body }}\"", {{"body", escape_json("Rule \"x\"\n")}})).append("}");
    CHECK(nlohmann::json::parse(payload)["text"] == "Rule \"x\"\n");
}

TEST_CASE("Macros of older rules are replaced first", "[template]") {
    CHECK(replace_macros("@rule@ @event@ @task_id@ @other@", "r", "1", "ERROR") == "r ERROR 1 @other@");
}

TEST_CASE("A broken template says where and what", "[template]") {
    struct Row {
        std::string text, message;
    };
    const std::vector<Row> rows{
        {"a\n{{ x", "template line 2: '{{' is not closed"},
        {"{% if 1 %}", "template line 1: 'if' without 'endif'"},
        {"{% endif %}", "template line 1: 'endif' without its beginning"},
        {"{% for x %}{% endfor %}", "template line 1: a loop is written {% for name in values %}"},
        {"{% include 'x' %}", "template line 1: 'include' is not available in templates"},
        {"{{ }}", "template line 1: an expression is missing"},
        {"{{ 1 + }}", "template line 1: a value is expected instead of ')'"},
        {"\n{{ 'a'|nope }}", "template line 2: name_error: there is no filter 'nope'"},
        {"{{ 1 / 0 }}", "template line 1: zero_division_error: division by zero in '/'"},
        {"{% for x in 5 %}{% endfor %}", "template line 1: type_error: 'int' object is not iterable"},
        {"{% for x in range(20000) %}{% endfor %}",
         "template line 1: limit_iterations: loops of more than 10000 rounds"},
        {"{% for x in range(9000) %}{{ 'a' * 200 }}{% endfor %}",
         "template line 1: limit_output: the text is longer than 1000000 bytes"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(render(row.text) == row.message);
    }
    std::string deep;
    for (int i = 0; i < 50; ++i) deep += "{% if 1 %}";
    CHECK(render(deep).find("limit_nesting") != std::string::npos);
    CHECK(render(std::string(300'000, 'a')).find("limit_text") != std::string::npos);
}

TEST_CASE("A template cannot reach tags, and its loops keep their names to themselves", "[template]") {
    CHECK(render("{{ tags.Modality }}") == "");
    CHECK(render("{% for x in [1] %}{% set y = 2 %}{% endfor %}{{ x }}{{ y }}") == "");
}
