#include "parser.hpp"
#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace quicksilver::rules {

Parser::Index Parser::named_operation(NodeKind kind, Operator op, std::uint32_t begin, Index value) {
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

Parser::Index Parser::call(std::uint32_t begin, Index function) {
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

Parser::Index Parser::starred_argument() {
    const std::uint32_t begin = token().begin;
    expect("*");
    expression();
    return unsupported(begin, "*");
}

Parser::Index Parser::subscript_index() {
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

Parser::Index Parser::slice() {
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

Parser::Index Parser::atom() {
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

bool Parser::is_template_constant(std::string_view name) {
    return name == "true" || name == "false" || name == "none";
}

Parser::Index Parser::template_constant() {
    const Token& next = token();
    ++position_;
    const Value value = next.spelling == "none" ? Value() : Value(next.spelling == "true");
    return add_constant(next.begin, value);
}

Parser::Index Parser::number() {
    const Token& next = token();
    const std::uint32_t begin = next.begin;
    ++position_;
    if (next.imaginary) return unsupported(begin, "complex number");
    if (next.oversized) return unsupported(begin, "integer beyond 64 bits");
    return add_constant(begin, next.number);
}

Parser::Index Parser::texts() {
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

std::string Parser::without_fields(const Token& formatted, bool& fields) const {
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
            if (end == std::string::npos) fail_at(formatted.begin, formatted.end, "'}' is missing in a formatted text");
            const std::string_view inside = std::string_view(text).substr(i + 1, end - i - 1);
            if (inside.find_first_not_of(" \t\n!:=") == std::string_view::npos) {
                fail_at(formatted.begin, formatted.end, "an empty field in a formatted text");
            }
            i = end;
        }
    }
    return out;
}

Parser::Index Parser::percent_tag() {
    const std::uint32_t begin = token().begin;
    const Index name = intern(token(1).spelling);
    position_ += 3;
    return add(NodeKind::percent_tag, begin, {}, Operator::add, name);
}

Parser::Index Parser::parenthesised() {
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

Parser::Index Parser::list() {
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

Parser::Index Parser::braces() {
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

Parser::Index Parser::dict(std::uint32_t begin, Index key) {
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

void Parser::comprehension_clauses() {
    do {
        accept("async");
        expect("for");
        comprehension_target();
        expect("in");
        disjunction();
        while (accept("if")) disjunction();
    } while (starts_comprehension());
}

void Parser::comprehension_target() {
    do {
        if (at("in")) break;
        accept("*");
        check_target(primary());
    } while (accept(","));
}

}  // namespace quicksilver::rules
