#pragma once

#include "lexer.hpp"
#include "syntax.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver::rules {

constexpr unsigned tree_depth_max = 1000;

/// CPython's grammar of expressions by recursive descent: statements and operators in parser.cpp, what stands between
/// operators in parser_atoms.cpp. Lives for one text.
class Parser {
public:
    Parser(std::string_view text, const ExpressionLimits& limits, bool in_template)
        : text_(text), limits_(limits), in_template_(in_template), tokens_(tokenize(text, limits)) {}

    Tree run();

private:
    using Index = std::uint32_t;

    // Tokens --------------------------------------------------------------------------------------------------------

    const Token& token(std::size_t ahead = 0) const { return tokens_[std::min(position_ + ahead, tokens_.size() - 1)]; }
    bool at_name() const { return token().kind == TokenKind::name; }
    bool at_end() const { return token().kind == TokenKind::end; }
    bool at(std::string_view what) const { return token().is(what); }
    bool accept(std::string_view what);
    std::uint32_t last_end() const { return position_ == 0 ? 0 : tokens_[position_ - 1].end; }

    [[noreturn]] void fail_at(std::uint32_t begin, std::uint32_t end, std::string message,
                              std::string code = "syntax_error") const;
    [[noreturn]] void unexpected(std::string_view wanted) const;
    void expect(std::string_view what);

    // Nodes ---------------------------------------------------------------------------------------------------------

    Index add(NodeKind kind, std::uint32_t begin, const std::vector<Index>& children, Operator op = Operator::add,
              std::uint32_t payload = 0);

    Index add_constant(std::uint32_t begin, Value value);
    Index add_text(std::uint32_t begin, std::string text);
    Index intern(std::string_view name);

    /// Refused when it is evaluated, not before: mercure never notices one behind a false `and`.
    Index unsupported(std::uint32_t begin, std::string_view feature);

    class Depth {
    public:
        explicit Depth(Parser& parser) : parser_(parser) {
            if (++parser_.depth_ > parser_.limits_.nesting * 5) {
                const Token& token = parser_.token();
                parser_.fail_at(token.begin, token.end,
                                fmt::format("more than {} levels inside each other", parser_.limits_.nesting),
                                "limit_nesting");
            }
        }
        ~Depth() { --parser_.depth_; }
        Depth(const Depth&) = delete;
        Depth& operator=(const Depth&) = delete;

    private:
        Parser& parser_;
    };

    // Statements ----------------------------------------------------------------------------------------------------

    void statement_line();
    Index statement();
    static bool refused_statement(std::string_view keyword);
    Index assignment(std::uint32_t begin, Index first);
    void check_target(Index target) const;

    // Expressions, loosest first ------------------------------------------------------------------------------------

    /// `a, b` is a tuple.
    Index star_expressions();
    Index star_expression() { return at("*") ? starred() : expression(); }
    Index star_named_expression() { return at("*") ? starred() : named_expression(); }

    Index starred();
    bool starts_expression() const;
    Index named_expression();
    Index expression();
    Index lambda();
    Index disjunction();
    Index conjunction();
    Index inversion();
    std::optional<Operator> comparison_operator();
    Index comparison();

    /// Left-associative operators: level 0 `|`, then `^`, `&`, shifts, sums, products.
    Index binary_level(unsigned level);
    Index factor();
    Index add_unary(std::uint32_t begin, Operator op);
    Index power();
    Index primary();

    /// `name` or `name(arguments)` behind `|` or `is`.
    Index named_operation(NodeKind kind, Operator op, std::uint32_t begin, Index value);

    // Calls and subscripts ------------------------------------------------------------------------------------------

    Index call(std::uint32_t begin, Index function);
    Index starred_argument();
    Index subscript_index();
    Index slice();

    // Atoms ---------------------------------------------------------------------------------------------------------

    Index atom();
    static bool is_template_constant(std::string_view name);
    Index template_constant();
    Index number();
    Index texts();

    /// The text of f'…' with doubled braces made single; `fields` becomes true when there is something to evaluate.
    std::string without_fields(const Token& formatted, bool& fields) const;

    /// mercure's manual calls this valid; there it is a syntax error.
    Index percent_tag();
    Index parenthesised();
    Index list();
    Index braces();
    Index dict(std::uint32_t begin, Index key);
    bool starts_comprehension() const { return at("for") || (at("async") && token(1).is("for")); }

    void comprehension_clauses();
    void comprehension_target();

    std::string_view text_;
    const ExpressionLimits& limits_;
    bool in_template_;
    std::vector<Token> tokens_;
    std::size_t position_ = 0;
    std::size_t depth_ = 0;
    Tree tree_;
};

}  // namespace quicksilver::rules
