#include "parser.hpp"

#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace quicksilver::rules {

Tree Parser::run() {
    while (!at_end()) statement_line();
    return std::move(tree_);
}

bool Parser::accept(std::string_view what) {
    if (!at(what)) return false;
    ++position_;
    return true;
}

void Parser::fail_at(std::uint32_t begin, std::uint32_t end, std::string message, std::string code) const {
    throw SyntaxFailure{std::move(code), std::move(message), begin, end};
}

void Parser::unexpected(std::string_view wanted) const {
    const Token& found = token();
    if (found.kind == TokenKind::newline || found.kind == TokenKind::end) {
        fail_at(found.begin, found.begin, fmt::format("{} is expected where the line ends", wanted));
    }
    fail_at(found.begin, found.end,
            fmt::format("{} is expected instead of '{}'", wanted,
                        to_utf8(text_.substr(found.begin, found.end - found.begin))));
}

void Parser::expect(std::string_view what) {
    if (!accept(what)) unexpected(fmt::format("'{}'", what));
}

Parser::Index Parser::add(NodeKind kind, std::uint32_t begin, const std::vector<Index>& children, Operator op,
                          std::uint32_t payload) {
    Node node;
    node.kind = kind;
    node.op = op;
    node.begin = begin;
    node.end = last_end();
    node.children = static_cast<Index>(tree_.children.size());
    node.count = static_cast<Index>(children.size());
    node.payload = payload;
    unsigned depth = 0;
    for (const Index child : children) {
        if (child != no_node) depth = std::max<unsigned>(depth, tree_.nodes[child].depth);
    }
    if (depth >= tree_depth_max) {
        fail_at(begin, last_end(), fmt::format("more than {} operations inside each other", tree_depth_max),
                "limit_nesting");
    }
    node.depth = static_cast<std::uint16_t>(depth + 1);
    tree_.children.insert(tree_.children.end(), children.begin(), children.end());
    tree_.nodes.push_back(node);
    return static_cast<Index>(tree_.nodes.size() - 1);
}

Parser::Index Parser::add_constant(std::uint32_t begin, Value value) {
    tree_.constants.push_back(value);
    return add(NodeKind::constant, begin, {}, Operator::add, static_cast<Index>(tree_.constants.size() - 1));
}

Parser::Index Parser::add_text(std::uint32_t begin, std::string text) {
    const std::size_t length = count_characters(text);
    tree_.texts.push_back(std::make_unique<Text>(std::move(text), length));
    return add_constant(begin, Value(Kind::text, tree_.texts.back().get()));
}

Parser::Index Parser::intern(std::string_view name) {
    for (std::size_t i = 0; i < tree_.names.size(); ++i) {
        if (tree_.names[i].text == name) return static_cast<Index>(i);
    }
    tree_.names.push_back({std::string(name), find_builtin(name)});
    return static_cast<Index>(tree_.names.size() - 1);
}

Parser::Index Parser::unsupported(std::uint32_t begin, std::string_view feature) {
    return add(NodeKind::unsupported, begin, {}, Operator::add, intern(feature));
}

void Parser::statement_line() {
    tree_.statements.push_back(statement());
    while (accept(";")) {
        if (token().kind == TokenKind::newline) break;
        tree_.statements.push_back(statement());
    }
    if (token().kind != TokenKind::newline) unexpected("an operator or the end of the rule");
    ++position_;
}

Parser::Index Parser::statement() {
    const std::uint32_t begin = token().begin;
    if (accept("pass")) return add(NodeKind::pass, begin, {});
    if (token().kind == TokenKind::keyword && refused_statement(token().spelling)) {
        fail_at(begin, token().end, fmt::format("'{}' statements are not available in rules", token().spelling),
                "unsupported");
    }
    const Index first = star_expressions();
    if (at("=")) return assignment(begin, first);
    if (at(":")) fail_at(token().begin, token().end, "':' has no meaning here", "unsupported");
    constexpr std::array augmented{std::string_view("+="),  std::string_view("-="),  std::string_view("*="),
                                   std::string_view("/="),  std::string_view("//="), std::string_view("%="),
                                   std::string_view("**="), std::string_view("&="),  std::string_view("|="),
                                   std::string_view("^="),  std::string_view(">>="), std::string_view("<<="),
                                   std::string_view("@=")};
    for (const std::string_view op : augmented) {
        if (at(op)) {
            fail_at(token().begin, token().end, fmt::format("'{}' is not available in rules", op), "unsupported");
        }
    }
    return add(NodeKind::expression, begin, {first});
}

bool Parser::refused_statement(std::string_view keyword) {
    constexpr std::array refused{std::string_view("assert"),   std::string_view("async"),    std::string_view("break"),
                                 std::string_view("class"),    std::string_view("continue"), std::string_view("def"),
                                 std::string_view("del"),      std::string_view("for"),      std::string_view("from"),
                                 std::string_view("global"),   std::string_view("if"),       std::string_view("import"),
                                 std::string_view("nonlocal"), std::string_view("raise"),    std::string_view("return"),
                                 std::string_view("try"),      std::string_view("while"),    std::string_view("with"),
                                 std::string_view("yield")};
    return std::find(refused.begin(), refused.end(), keyword) != refused.end();
}

Parser::Index Parser::assignment(std::uint32_t begin, Index first) {
    std::vector<Index> parts{first};
    while (accept("=")) {
        check_target(parts.back());
        parts.push_back(star_expressions());
    }
    if (at(":") ||
        (token().kind == TokenKind::symbol && token().spelling.size() > 1 && token().spelling.back() == '=')) {
        unexpected("the end of the assignment");
    }
    const Index value = parts.back();
    parts.pop_back();
    parts.insert(parts.begin(), value);
    return add(NodeKind::assign, begin, parts);
}

void Parser::check_target(Index target) const {
    const Node& node = tree_.nodes[target];
    switch (node.kind) {
        case NodeKind::name:
        case NodeKind::attribute:
        case NodeKind::subscript:
            return;
        case NodeKind::unsupported:
            if (tree_.names[node.payload].text == "*") return;
            break;
        case NodeKind::list:
        case NodeKind::tuple:
            for (Index i = 0; i < node.count; ++i) check_target(tree_.child(node, i));
            return;
        default:
            break;
    }
    fail_at(node.begin, node.end, "a value cannot be assigned to this; write '==' to compare");
}

Parser::Index Parser::star_expressions() {
    const std::uint32_t begin = token().begin;
    const Index first = star_expression();
    if (!at(",")) return first;
    std::vector<Index> items{first};
    while (accept(",")) {
        if (!starts_expression()) break;
        items.push_back(star_expression());
    }
    return add(NodeKind::tuple, begin, items);
}

Parser::Index Parser::starred() {
    const std::uint32_t begin = token().begin;
    expect("*");
    binary_level(0);
    return unsupported(begin, "*");
}

bool Parser::starts_expression() const {
    const Token& next = token();
    switch (next.kind) {
        case TokenKind::newline:
        case TokenKind::end:
            return false;
        case TokenKind::keyword:
            return next.is("not") || next.is("None") || next.is("True") || next.is("False") || next.is("lambda") ||
                   next.is("await") || next.is("yield");
        case TokenKind::symbol:
            return next.is("(") || next.is("[") || next.is("{") || next.is("-") || next.is("+") || next.is("~") ||
                   next.is("...") || next.is("*") || next.is("%") || next.is("@");
        default:
            return true;
    }
}

Parser::Index Parser::named_expression() {
    const std::uint32_t begin = token().begin;
    if (token().kind == TokenKind::name && token(1).is(":=")) {
        position_ += 2;
        expression();
        return unsupported(begin, ":=");
    }
    return expression();
}

Parser::Index Parser::expression() {
    const Depth guard(*this);
    const std::uint32_t begin = token().begin;
    if (at("lambda")) return lambda();
    const Index then = disjunction();
    if (!accept("if")) return then;
    const Index condition = disjunction();
    if (!at("else") && !in_template_) unexpected("'else'");
    const Index otherwise = accept("else") ? expression() : add_constant(begin, Value::of_kind(Kind::undefined));
    return add(NodeKind::conditional, begin, {condition, then, otherwise});
}

Parser::Index Parser::lambda() {
    const std::uint32_t begin = token().begin;
    expect("lambda");
    while (!at(":")) {
        if (accept("*") || accept("**") || accept(",") || accept("/")) continue;
        if (token().kind != TokenKind::name) unexpected("a parameter");
        ++position_;
        if (accept("=")) expression();
        if (!at(",") && !at(":")) unexpected("',' or ':'");
    }
    expect(":");
    expression();
    return unsupported(begin, "lambda");
}

Parser::Index Parser::disjunction() {
    const std::uint32_t begin = token().begin;
    std::vector<Index> operands{conjunction()};
    while (accept("or")) operands.push_back(conjunction());
    return operands.size() == 1 ? operands[0] : add(NodeKind::any_of, begin, operands);
}

Parser::Index Parser::conjunction() {
    const std::uint32_t begin = token().begin;
    std::vector<Index> operands{inversion()};
    while (accept("and")) operands.push_back(inversion());
    return operands.size() == 1 ? operands[0] : add(NodeKind::all_of, begin, operands);
}

Parser::Index Parser::inversion() {
    const Depth guard(*this);
    const std::uint32_t begin = token().begin;
    if (!accept("not")) return comparison();
    const Index operand = inversion();
    return add(NodeKind::unary, begin, {operand}, Operator::logical_not);
}

std::optional<Operator> Parser::comparison_operator() {
    constexpr std::array symbols{std::pair(std::string_view("=="), Operator::equal),
                                 std::pair(std::string_view("!="), Operator::not_equal),
                                 std::pair(std::string_view("<="), Operator::less_equal),
                                 std::pair(std::string_view("<"), Operator::less),
                                 std::pair(std::string_view(">="), Operator::greater_equal),
                                 std::pair(std::string_view(">"), Operator::greater),
                                 std::pair(std::string_view("in"), Operator::in)};
    for (const auto& [spelling, op] : symbols) {
        if (accept(spelling)) return op;
    }
    if (at("not") && token(1).is("in")) {
        position_ += 2;
        return Operator::not_in;
    }
    if (accept("is")) return accept("not") ? Operator::is_not : Operator::is;
    return std::nullopt;
}

Parser::Index Parser::comparison() {
    const std::uint32_t begin = token().begin;
    std::vector<Index> operands{binary_level(0)};
    if (in_template_ && accept("is")) {
        const bool negated = accept("not");
        return named_operation(NodeKind::test, negated ? Operator::logical_not : Operator::plus, begin, operands[0]);
    }
    std::vector<Operator> operators;
    while (const std::optional<Operator> op = comparison_operator()) {
        operators.push_back(*op);
        operands.push_back(binary_level(0));
    }
    if (operators.empty()) return operands[0];
    const auto first = static_cast<Index>(tree_.operators.size());
    tree_.operators.insert(tree_.operators.end(), operators.begin(), operators.end());
    return add(NodeKind::compare, begin, operands, operators.front(), first);
}

Parser::Index Parser::binary_level(unsigned level) {
    using Entry = std::pair<std::string_view, Operator>;
    static constexpr std::array<std::array<Entry, 5>, 6> levels{{
        {{{"|", Operator::bit_or}}},
        {{{"^", Operator::bit_xor}}},
        {{{"&", Operator::bit_and}}},
        {{{"<<", Operator::shift_left}, {">>", Operator::shift_right}}},
        {{{"+", Operator::add}, {"-", Operator::subtract}}},
        {{{"*", Operator::multiply},
          {"/", Operator::divide},
          {"//", Operator::floor_divide},
          {"%", Operator::modulo},
          {"@", Operator::matrix_multiply}}},
    }};
    if (level == levels.size()) return factor();
    const std::uint32_t begin = token().begin;
    Index left = binary_level(level + 1);
    for (;;) {
        const Entry* found = nullptr;
        for (const Entry& entry : levels[level]) {
            if (!entry.first.empty() && accept(entry.first)) {
                found = &entry;
                break;
            }
        }
        if (!found) return left;
        const Index right = binary_level(level + 1);
        left = add(NodeKind::binary, begin, {left, right}, found->second);
    }
}

Parser::Index Parser::factor() {
    const Depth guard(*this);
    const std::uint32_t begin = token().begin;
    if (accept("-")) return add_unary(begin, Operator::minus);
    if (accept("+")) return add_unary(begin, Operator::plus);
    if (accept("~")) return add_unary(begin, Operator::invert);
    return power();
}

Parser::Index Parser::add_unary(std::uint32_t begin, Operator op) {
    const Index operand = factor();
    return add(NodeKind::unary, begin, {operand}, op);
}

Parser::Index Parser::power() {
    const std::uint32_t begin = token().begin;
    bool awaited = accept("await");
    Index base = primary();
    if (awaited) base = unsupported(begin, "await");
    if (!accept("**")) return base;
    const Index exponent = factor();
    return add(NodeKind::binary, begin, {base, exponent}, Operator::power);
}

Parser::Index Parser::primary() {
    const std::uint32_t begin = token().begin;
    Index value = atom();
    for (;;) {
        if (accept(".")) {
            if (token().kind != TokenKind::name) unexpected("a name after '.'");
            const Index name = intern(token().spelling);
            ++position_;
            value = add(NodeKind::attribute, begin, {value}, Operator::add, name);
        } else if (at("(")) {
            value = call(begin, value);
        } else if (accept("[")) {
            const Index index = subscript_index();
            expect("]");
            value = add(NodeKind::subscript, begin, {value, index});
        } else if (in_template_ && at("|") && token(1).kind == TokenKind::name) {
            ++position_;
            value = named_operation(NodeKind::filter, Operator::plus, begin, value);
        } else {
            return value;
        }
    }
}

Tree parse_tree(std::string_view text, const ExpressionLimits& limits) {
    if (count_characters(text) > limits.text_length) {
        throw SyntaxFailure{"limit_text", fmt::format("a rule has at most {} characters", limits.text_length), 0, 0};
    }
    if (text.find('\0') != std::string_view::npos) {
        throw SyntaxFailure{"syntax_error", "a rule cannot contain the character U+0000", 0, 0};
    }
    return Parser(text, limits, false).run();
}

Tree parse_template_expression(std::string_view text, const ExpressionLimits& limits) {
    // Brackets, so that an expression may go over several lines.
    const std::string bracketed = fmt::format("({}\n)", text);
    return Parser(bracketed, limits, true).run();
}

SourceRange locate(std::string_view text, std::uint32_t begin, std::uint32_t end) {
    SourceRange range{begin, end, 1, 1};
    for (std::size_t i = 0; i < begin && i < text.size(); ++i) {
        if (text[i] == '\n') {
            ++range.line;
            range.column = 1;
        } else if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) {
            ++range.column;
        }
    }
    return range;
}

std::string_view to_string(Operator op) {
    constexpr std::array names{
        std::string_view("+"),      std::string_view("-"),  std::string_view("*"),     std::string_view("/"),
        std::string_view("//"),     std::string_view("%"),  std::string_view("**"),    std::string_view("@"),
        std::string_view("<<"),     std::string_view(">>"), std::string_view("&"),     std::string_view("|"),
        std::string_view("^"),      std::string_view("+"),  std::string_view("-"),     std::string_view("~"),
        std::string_view("not"),    std::string_view("=="), std::string_view("!="),    std::string_view("<"),
        std::string_view("<="),     std::string_view(">"),  std::string_view(">="),    std::string_view("in"),
        std::string_view("not in"), std::string_view("is"), std::string_view("is not")};
    return names[static_cast<std::size_t>(op)];
}

}  // namespace quicksilver::rules
