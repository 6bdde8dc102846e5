#include "support.hpp"
#include "support/catch.hpp"

#include <fmt/format.h>

#include <array>
#include <random>

using namespace quicksilver;
using namespace quicksilver::rules;

namespace {

struct Binary {
    std::string_view sign;
    int level;  // a higher one binds tighter
    bool right = false;
    bool comparison = false;
};

constexpr std::array operators{
    Binary{"or", 1},
    Binary{"and", 2},
    Binary{"==", 4, false, true},
    Binary{"!=", 4, false, true},
    Binary{"<", 4, false, true},
    Binary{"in", 4, false, true},
    Binary{"is", 4, false, true},
    Binary{"|", 5},
    Binary{"^", 6},
    Binary{"&", 7},
    Binary{"<<", 8},
    Binary{">>", 8},
    Binary{"+", 9},
    Binary{"-", 9},
    Binary{"*", 10},
    Binary{"/", 10},
    Binary{"//", 10},
    Binary{"%", 10},
    Binary{"**", 12, true},
};

/// A random expression, written twice: with every bracket, and with only those that precedence needs.
struct Written {
    std::string full, minimal;
    int level = 20;  // of the outermost operator; 20: none
};

class Writer {
public:
    explicit Writer(unsigned seed) : random_(seed) {}

    Written write(unsigned depth) {
        if (depth == 0 || random_() % 5 == 0) return leaf();
        if (random_() % 5 == 0) return unary(depth);
        const Binary& op = operators[random_() % operators.size()];
        const Written left = write(depth - 1), right = write(depth - 1);
        const std::string sign = fmt::format(" {} ", op.sign);
        // Comparisons chain instead of nesting, so both sides need brackets.
        const bool left_bracket = left.level < op.level || (left.level == op.level && (op.right || op.comparison));
        bool right_bracket = right.level < op.level || (right.level == op.level && (!op.right || op.comparison));
        if (op.sign == "**" && right.level == 11) right_bracket = false;
        return {fmt::format("({}){}({})", left.full, sign, right.full),
                bracketed(left.minimal, left_bracket) + sign + bracketed(right.minimal, right_bracket), op.level};
    }

private:
    static std::string bracketed(const std::string& text, bool brackets) {
        return brackets ? fmt::format("({})", text) : text;
    }

    Written leaf() {
        constexpr std::array leaves{std::string_view("0"),      std::string_view("1"),    std::string_view("2"),
                                    std::string_view("3"),      std::string_view("True"), std::string_view("2.5"),
                                    std::string_view("[1, 2]"), std::string_view("'a'"),  std::string_view("None")};
        const std::string text(leaves[random_() % leaves.size()]);
        return {text, text, 20};
    }

    Written unary(unsigned depth) {
        const Written operand = write(depth - 1);
        if (random_() % 2 == 0) {
            return {fmt::format("not ({})", operand.full),
                    fmt::format("not {}", bracketed(operand.minimal, operand.level < 3)), 3};
        }
        return {fmt::format("-({})", operand.full), fmt::format("-{}", bracketed(operand.minimal, operand.level < 11)),
                11};
    }

    std::mt19937 random_;
};

}  // namespace

TEST_CASE("Every pair of operators binds as in Python", "[precedence]") {
    const auto level = [](const Binary& op) { return op.level; };
    for (const Binary& first : operators) {
        for (const Binary& second : operators) {
            if (first.comparison && second.comparison) continue;  // these chain
            const std::string a(first.sign), b(second.sign);
            for (const auto& [x, y, z] :
                 {std::array{"7", "2", "3"}, std::array{"0", "5", "1"}, std::array{"3", "[3]", "2"}}) {
                const std::string plain = fmt::format("{} {} {} {} {}", x, a, y, b, z);
                const bool to_left = level(first) > level(second) || (level(first) == level(second) && !first.right);
                const std::string grouped = to_left ? fmt::format("({} {} {}) {} {}", x, a, y, b, z)
                                                    : fmt::format("{} {} ({} {} {})", x, a, y, b, z);
                CAPTURE(plain, grouped);
                CHECK(result_of(plain) == result_of(grouped));
            }
        }
    }
}

TEST_CASE("A random tree means the same with all brackets and with the fewest", "[precedence]") {
    Writer writer(11);
    unsigned values = 0;
    for (int i = 0; i < 5'000; ++i) {
        const Written written = writer.write(4);
        CAPTURE(written.full, written.minimal);
        const std::string result = result_of(written.full);
        CHECK(result_of(written.minimal) == result);
        values += result.find("error") == std::string::npos ? 1U : 0U;
    }
    CHECK(values > 500);
}
