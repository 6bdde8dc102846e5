#include "lexer.hpp"
#include "syntax.hpp"
#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace quicksilver::rules {

namespace {

constexpr unsigned tree_depth_max = 1000;

class Parser {
public:
    Parser(std::string_view text, const ExpressionLimits& limits, bool in_template)
        : text_(text), limits_(limits), in_template_(in_template), tokens_(tokenize(text, limits)) {}

    Tree run() {
        while (!at_end()) statement_line();
        return std::move(tree_);
    }

private:
    using Index = std::uint32_t;

    // Tokens --------------------------------------------------------------------------------------------------------

    const Token& token(std::size_t ahead = 0) const { return tokens_[std::min(position_ + ahead, tokens_.size() - 1)]; }
    bool at_name() const { return token().kind == TokenKind::name; }
    bool at_end() const { return token().kind == TokenKind::end; }
    bool at(std::string_view what) const { return token().is(what); }
    bool accept(std::string_view what) {
        if (!at(what)) return false;
        ++position_;
        return true;
    }
    std::uint32_t last_end() const { return position_ == 0 ? 0 : tokens_[position_ - 1].end; }

    [[noreturn]] void fail_at(std::uint32_t begin, std::uint32_t end, std::string message,
                              std::string code = "syntax_error") const {
        throw SyntaxFailure{std::move(code), std::move(message), begin, end};
    }
    [[noreturn]] void unexpected(std::string_view wanted) const {
        const Token& found = token();
        if (found.kind == TokenKind::newline || found.kind == TokenKind::end) {
            fail_at(found.begin, found.begin, fmt::format("{} is expected where the line ends", wanted));
        }
        fail_at(found.begin, found.end,
                fmt::format("{} is expected instead of '{}'", wanted,
                            to_utf8(text_.substr(found.begin, found.end - found.begin))));
    }
    void expect(std::string_view what) {
        if (!accept(what)) unexpected(fmt::format("'{}'", what));
    }

    // Nodes ---------------------------------------------------------------------------------------------------------

    Index add(NodeKind kind, std::uint32_t begin, const std::vector<Index>& children, Operator op = Operator::add,
              std::uint32_t payload = 0) {
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
    std::uint32_t begin_of(Index node) const { return tree_.nodes[node].begin; }

    Index add_constant(std::uint32_t begin, Value value) {
        tree_.constants.push_back(value);
        return add(NodeKind::constant, begin, {}, Operator::add, static_cast<Index>(tree_.constants.size() - 1));
    }

    Index add_text(std::uint32_t begin, std::string text) {
        const std::size_t length = count_characters(text);
        tree_.texts.push_back(std::make_unique<Text>(std::move(text), length));
        return add_constant(begin, Value(Kind::text, tree_.texts.back().get()));
    }

    Index intern(std::string_view name) {
        for (std::size_t i = 0; i < tree_.names.size(); ++i) {
            if (tree_.names[i].text == name) return static_cast<Index>(i);
        }
        tree_.names.push_back({std::string(name), find_builtin(name)});
        return static_cast<Index>(tree_.names.size() - 1);
    }

    /// Refused when it is evaluated, not before: mercure never notices one behind a false `and`.
    Index unsupported(std::uint32_t begin, std::string_view feature) {
        return add(NodeKind::unsupported, begin, {}, Operator::add, intern(feature));
    }

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

    void statement_line() {
        tree_.statements.push_back(statement());
        while (accept(";")) {
            if (token().kind == TokenKind::newline) break;
            tree_.statements.push_back(statement());
        }
        if (token().kind != TokenKind::newline) unexpected("an operator or the end of the rule");
        ++position_;
    }

    Index statement() {
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

    static bool refused_statement(std::string_view keyword) {
        constexpr std::array refused{
            std::string_view("assert"),   std::string_view("async"),    std::string_view("break"),
            std::string_view("class"),    std::string_view("continue"), std::string_view("def"),
            std::string_view("del"),      std::string_view("for"),      std::string_view("from"),
            std::string_view("global"),   std::string_view("if"),       std::string_view("import"),
            std::string_view("nonlocal"), std::string_view("raise"),    std::string_view("return"),
            std::string_view("try"),      std::string_view("while"),    std::string_view("with"),
            std::string_view("yield")};
        return std::find(refused.begin(), refused.end(), keyword) != refused.end();
    }

    Index assignment(std::uint32_t begin, Index first) {
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

    void check_target(Index target) const {
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

    // Expressions, loosest first ------------------------------------------------------------------------------------

    /// `a, b` is a tuple.
    Index star_expressions() {
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

    Index star_expression() { return at("*") ? starred() : expression(); }
    Index star_named_expression() { return at("*") ? starred() : named_expression(); }

    Index starred() {
        const std::uint32_t begin = token().begin;
        expect("*");
        binary_level(0);
        return unsupported(begin, "*");
    }

    bool starts_expression() const {
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

    Index named_expression() {
        const std::uint32_t begin = token().begin;
        if (token().kind == TokenKind::name && token(1).is(":=")) {
            position_ += 2;
            expression();
            return unsupported(begin, ":=");
        }
        return expression();
    }

    Index expression() {
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

    Index lambda() {
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

    Index disjunction() {
        const std::uint32_t begin = token().begin;
        std::vector<Index> operands{conjunction()};
        while (accept("or")) operands.push_back(conjunction());
        return operands.size() == 1 ? operands[0] : add(NodeKind::any_of, begin, operands);
    }

    Index conjunction() {
        const std::uint32_t begin = token().begin;
        std::vector<Index> operands{inversion()};
        while (accept("and")) operands.push_back(inversion());
        return operands.size() == 1 ? operands[0] : add(NodeKind::all_of, begin, operands);
    }

    Index inversion() {
        const Depth guard(*this);
        const std::uint32_t begin = token().begin;
        if (!accept("not")) return comparison();
        const Index operand = inversion();
        return add(NodeKind::unary, begin, {operand}, Operator::logical_not);
    }

    std::optional<Operator> comparison_operator() {
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

    Index comparison() {
        const std::uint32_t begin = token().begin;
        std::vector<Index> operands{binary_level(0)};
        if (in_template_ && accept("is")) {
            const bool negated = accept("not");
            return named_operation(NodeKind::test, negated ? Operator::logical_not : Operator::plus, begin,
                                   operands[0]);
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

    /// Left-associative operators: level 0 `|`, then `^`, `&`, shifts, sums, products.
    Index binary_level(unsigned level) {
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

    Index factor() {
        const Depth guard(*this);
        const std::uint32_t begin = token().begin;
        if (accept("-")) return add_unary(begin, Operator::minus);
        if (accept("+")) return add_unary(begin, Operator::plus);
        if (accept("~")) return add_unary(begin, Operator::invert);
        return power();
    }

    Index add_unary(std::uint32_t begin, Operator op) {
        const Index operand = factor();
        return add(NodeKind::unary, begin, {operand}, op);
    }

    Index power() {
        const std::uint32_t begin = token().begin;
        bool awaited = accept("await");
        Index base = primary();
        if (awaited) base = unsupported(begin, "await");
        if (!accept("**")) return base;
        const Index exponent = factor();
        return add(NodeKind::binary, begin, {base, exponent}, Operator::power);
    }

    Index primary() {
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

    /// `name` or `name(arguments)` behind `|` or `is`.
    Index named_operation(NodeKind kind, Operator op, std::uint32_t begin, Index value) {
        const bool keyword = at("None") || at("True") || at("False") || at("in");
        if (!at_name() && !keyword) unexpected("a name");
        const Index name = intern(token().spelling);
        ++position_;
        std::vector<Index> parts{value};
        if (accept("(")) {
            while (!at(")")) {
                if (at_name() && token(1).is("=")) position_ += 2;
                parts.push_back(expression());
                if (!at(")")) expect(",");
            }
            expect(")");
        } else if (kind == NodeKind::test && (token().kind == TokenKind::number || token().kind == TokenKind::text)) {
            parts.push_back(atom());
        }
        return add(kind, begin, parts, op, name);
    }

    // Calls and subscripts ------------------------------------------------------------------------------------------

    Index call(std::uint32_t begin, Index function) {
        expect("(");
        std::vector<Index> parts{function};
        std::vector<Index> names;
        bool named = false, doubled = false;
        while (!at(")")) {
            const std::uint32_t argument = token().begin;
            if (accept("**")) {
                parts.push_back(expression());
                names.push_back(Tree::double_star);
                doubled = true;
            } else if (token().kind == TokenKind::name && token(1).is("=")) {
                names.push_back(intern(token().spelling));
                position_ += 2;
                parts.push_back(expression());
                named = true;
            } else {
                const bool star = at("*");
                if (doubled || (named && !star)) {
                    fail_at(argument, token().end, "a positional argument cannot follow a named one");
                }
                parts.push_back(star ? starred_argument() : named_expression());
                names.push_back(Tree::positional);
                if (starts_comprehension()) {
                    comprehension_clauses();
                    parts.back() = unsupported(argument, "generator expression");
                    const bool alone = parts.size() == 2 && at(")");
                    if (!alone) fail_at(argument, last_end(), "a generator expression must stand in brackets");
                }
            }
            if (!at(")")) expect(",");
        }
        expect(")");
        const auto first = static_cast<Index>(tree_.argument_names.size());
        tree_.argument_names.insert(tree_.argument_names.end(), names.begin(), names.end());
        return add(NodeKind::call, begin, parts, Operator::add, first);
    }

    Index starred_argument() {
        const std::uint32_t begin = token().begin;
        expect("*");
        expression();
        return unsupported(begin, "*");
    }

    Index subscript_index() {
        const std::uint32_t begin = token().begin;
        const Index first = slice();
        if (!at(",")) return first;
        std::vector<Index> items{first};
        while (accept(",")) {
            if (at("]")) break;
            items.push_back(slice());
        }
        return add(NodeKind::tuple, begin, items);
    }

    Index slice() {
        const std::uint32_t begin = token().begin;
        if (at("*")) return starred();
        Index start = no_node, stop = no_node, step = no_node;
        if (!at(":")) {
            start = named_expression();
            if (!at(":")) return start;
        }
        expect(":");
        if (!at(":") && !at("]") && !at(",")) stop = expression();
        if (accept(":") && !at("]") && !at(",")) step = expression();
        return add(NodeKind::slice, begin, {start, stop, step});
    }

    // Atoms ---------------------------------------------------------------------------------------------------------

    Index atom() {
        const Token& next = token();
        const std::uint32_t begin = next.begin;
        switch (next.kind) {
            case TokenKind::name: {
                if (in_template_ && is_template_constant(next.spelling)) return template_constant();
                const Index name = intern(next.spelling);
                ++position_;
                return add(NodeKind::name, begin, {}, Operator::add, name);
            }
            case TokenKind::number:
                return number();
            case TokenKind::text:
            case TokenKind::bytes:
            case TokenKind::formatted_text:
                return texts();
            case TokenKind::keyword:
                if (accept("None")) return add_constant(begin, Value());
                if (accept("True")) return add_constant(begin, Value(true));
                if (accept("False")) return add_constant(begin, Value(false));
                break;
            case TokenKind::symbol:
                if (accept("...")) return add_constant(begin, Value::of_kind(Kind::ellipsis));
                if (at("(")) return parenthesised();
                if (at("[")) return list();
                if (at("{")) return braces();
                if (at("%") && token(1).kind == TokenKind::name && token(2).is("%")) return percent_tag();
                break;
            default:
                break;
        }
        unexpected("a value");
    }

    static bool is_template_constant(std::string_view name) {
        return name == "true" || name == "false" || name == "none";
    }

    Index template_constant() {
        const Token& next = token();
        ++position_;
        const Value value = next.spelling == "none" ? Value() : Value(next.spelling == "true");
        return add_constant(next.begin, value);
    }

    Index number() {
        const Token& next = token();
        const std::uint32_t begin = next.begin;
        ++position_;
        if (next.imaginary) return unsupported(begin, "complex number");
        if (next.oversized) return unsupported(begin, "integer beyond 64 bits");
        return add_constant(begin, next.number);
    }

    Index texts() {
        const std::uint32_t begin = token().begin;
        std::string value;
        bool bytes = false, plain = false, fields = false;
        for (; token().kind == TokenKind::text || token().kind == TokenKind::bytes ||
               token().kind == TokenKind::formatted_text;
             ++position_) {
            (token().kind == TokenKind::bytes ? bytes : plain) = true;
            const bool formatted = token().kind == TokenKind::formatted_text && token().braces;
            value += formatted ? without_fields(token(), fields) : token().text;
        }
        if (bytes && plain) fail_at(begin, last_end(), "bytes and text cannot be joined");
        if (bytes) return unsupported(begin, "bytes");
        if (fields) return unsupported(begin, "formatted text (f'…{…}')");
        return add_text(begin, std::move(value));
    }

    /// The text of f'…' with doubled braces made single; `fields` becomes true when there is something to evaluate.
    std::string without_fields(const Token& formatted, bool& fields) const {
        std::string out;
        const std::string& text = formatted.text;
        for (std::size_t i = 0; i < text.size(); ++i) {
            const bool doubled = i + 1 < text.size() && text[i + 1] == text[i];
            if (text[i] != '{' && text[i] != '}') {
                out += text[i];
            } else if (doubled) {
                out += text[i++];
            } else if (text[i] == '}') {
                fail_at(formatted.begin, formatted.end, "a single '}' in a formatted text");
            } else {
                fields = true;
                const std::size_t end = text.find('}', i);
                if (end == std::string::npos)
                    fail_at(formatted.begin, formatted.end, "'}' is missing in a formatted text");
                const std::string_view inside = std::string_view(text).substr(i + 1, end - i - 1);
                if (inside.find_first_not_of(" \t\n!:=") == std::string_view::npos) {
                    fail_at(formatted.begin, formatted.end, "an empty field in a formatted text");
                }
                i = end;
            }
        }
        return out;
    }

    /// mercure's manual calls this valid; there it is a syntax error.
    Index percent_tag() {
        const std::uint32_t begin = token().begin;
        const Index name = intern(token(1).spelling);
        position_ += 3;
        return add(NodeKind::percent_tag, begin, {}, Operator::add, name);
    }

    Index parenthesised() {
        const Depth guard(*this);
        const std::uint32_t begin = token().begin;
        expect("(");
        if (accept(")")) return add(NodeKind::tuple, begin, {});
        if (accept("yield")) {
            accept("from");
            if (starts_expression()) star_expressions();
            expect(")");
            return unsupported(begin, "yield");
        }
        const bool star = at("*");
        const Index first = star_named_expression();
        if (starts_comprehension() && !star) {
            comprehension_clauses();
            expect(")");
            return unsupported(begin, "generator expression");
        }
        if (!at(",")) {
            if (star) unexpected("','");
            expect(")");
            // Brackets belong to the text of what they enclose.
            tree_.nodes[first].begin = begin;
            tree_.nodes[first].end = last_end();
            return first;
        }
        std::vector<Index> items{first};
        while (accept(",")) {
            if (at(")")) break;
            items.push_back(star_named_expression());
        }
        expect(")");
        return add(NodeKind::tuple, begin, items);
    }

    Index list() {
        const Depth guard(*this);
        const std::uint32_t begin = token().begin;
        expect("[");
        std::vector<Index> items;
        while (!at("]")) {
            const bool star = at("*");
            items.push_back(star_named_expression());
            if (items.size() == 1 && !star && starts_comprehension()) {
                comprehension_clauses();
                expect("]");
                return unsupported(begin, "list comprehension");
            }
            if (!at("]")) expect(",");
        }
        expect("]");
        return add(NodeKind::list, begin, items);
    }

    Index braces() {
        const Depth guard(*this);
        const std::uint32_t begin = token().begin;
        expect("{");
        if (accept("}")) return add(NodeKind::dict, begin, {});
        if (at("**")) return dict(begin, no_node);
        const bool star = at("*");
        const Index first = star_named_expression();
        if (at(":") && !star) return dict(begin, first);
        if (starts_comprehension() && !star) {
            comprehension_clauses();
            expect("}");
            return unsupported(begin, "set comprehension");
        }
        std::vector<Index> items{first};
        while (!at("}")) {
            expect(",");
            if (at("}")) break;
            items.push_back(star_named_expression());
        }
        expect("}");
        return add(NodeKind::set, begin, items);
    }

    Index dict(std::uint32_t begin, Index key) {
        std::vector<Index> items;
        for (;;) {
            if (key == no_node) {
                expect("**");
                items.push_back(no_node);
                items.push_back(binary_level(0));
            } else {
                expect(":");
                items.push_back(key);
                items.push_back(expression());
                if (items.size() == 2 && starts_comprehension()) {
                    comprehension_clauses();
                    expect("}");
                    return unsupported(begin, "dict comprehension");
                }
            }
            if (!at("}")) expect(",");
            if (accept("}")) return add(NodeKind::dict, begin, items);
            key = at("**") ? no_node : expression();
        }
    }

    bool starts_comprehension() const { return at("for") || (at("async") && token(1).is("for")); }

    void comprehension_clauses() {
        do {
            accept("async");
            expect("for");
            comprehension_target();
            expect("in");
            disjunction();
            while (accept("if")) disjunction();
        } while (starts_comprehension());
    }

    void comprehension_target() {
        do {
            if (at("in")) break;
            accept("*");
            check_target(primary());
        } while (accept(","));
    }

    std::string_view text_;
    const ExpressionLimits& limits_;
    bool in_template_;
    std::vector<Token> tokens_;
    std::size_t position_ = 0;
    std::size_t depth_ = 0;
    Tree tree_;
};

}  // namespace

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
    const std::string bracketed = "(" + std::string(text) + "\n)";
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
