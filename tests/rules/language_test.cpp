#include "quicksilver/rules/language.hpp"

#include "quicksilver/rules/expression.hpp"

#include "support/catch.hpp"

#include <algorithm>

using namespace quicksilver::rules;

TEST_CASE("What an editor offers is what the language knows", "[rules][language]") {
    const Language& all = language();
    CHECK(std::ranges::is_sorted(all.functions));
    CHECK(std::ranges::find(all.functions, "matches") != all.functions.end());
    CHECK(std::ranges::find(all.functions, "len") != all.functions.end());
    for (const Language::Methods& methods : all.methods) CHECK_FALSE(methods.names.empty());
    for (const Language::Example& example : all.examples) {
        INFO(example.expression);
        CHECK(Expression::compile(example.expression).diagnostics().empty());
    }
}
