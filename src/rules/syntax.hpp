#pragma once

#include "quicksilver/rules/diagnostic.hpp"
#include "quicksilver/rules/limits.hpp"

#include "value.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver::rules {

enum class NodeKind : std::uint8_t {
    constant,  // payload: constant
    name,      // payload: name
    list,
    tuple,
    set,
    dict,  // children: key, value, … ; no_node as key for `**`
    unary,
    binary,
    all_of,
    any_of,       // `and`, `or` with two or more operands
    compare,      // children: operands; payload: first operator in Tree::operators
    call,         // children: function, arguments; payload: first of their names in Tree::argument_names
    attribute,    // payload: name
    subscript,    // children: value, index
    slice,        // children: from, to, step; no_node where left out
    conditional,  // children: condition, then, else
    percent_tag,  // `%Name%`; payload: name
    filter,       // templates: `value|name(…)`; children: value, arguments; payload: name
    test,         // templates: `value is name(…)`, negated when op is logical_not; as filter
    unsupported,  // payload: name, the feature; refused when it is evaluated, as mercure does
    assign,       // children: value, targets
    expression,   // a statement; child: its value
    pass,
};

enum class Operator : std::uint8_t {
    add,
    subtract,
    multiply,
    divide,
    floor_divide,
    modulo,
    power,
    matrix_multiply,
    shift_left,
    shift_right,
    bit_and,
    bit_or,
    bit_xor,
    plus,
    minus,
    invert,
    logical_not,
    equal,
    not_equal,
    less,
    less_equal,
    greater,
    greater_equal,
    in,
    not_in,
    is,
    is_not,
};

std::string_view to_string(Operator op);

inline constexpr std::uint32_t no_node = 0xFFFFFFFF;

struct Node {
    NodeKind kind = NodeKind::pass;
    Operator op = Operator::add;
    std::uint16_t depth = 1;                // of the tree below, itself included
    std::uint32_t begin = 0, end = 0;       // bytes of the parsed text
    std::uint32_t children = 0, count = 0;  // in Tree::children
    std::uint32_t payload = 0;
};

struct Name {
    std::string text;
    const Builtin* builtin = nullptr;
};

/// What a text means. All nodes in one vector, so that depth costs no recursion to free.
struct Tree {
    std::vector<Node> nodes;
    std::vector<std::uint32_t> children;
    std::vector<Value> constants;
    std::vector<std::unique_ptr<Text>> texts;  // that the constants point to
    std::vector<Name> names;
    std::vector<Operator> operators;
    std::vector<std::uint32_t> argument_names;  // a name, positional or double_star
    std::vector<std::uint32_t> statements;

    static constexpr std::uint32_t positional = 0xFFFFFFFF, double_star = 0xFFFFFFFE;

    const Node& node(std::uint32_t i) const { return nodes[i]; }
    std::uint32_t child(const Node& node, std::uint32_t i) const { return children[node.children + i]; }
};

/// A syntax error, thrown within lexer and parser only.
struct SyntaxFailure {
    std::string code;
    std::string message;
    std::uint32_t begin, end;
};

/// An expression of a template: with `value|filter(…)`, `value is [not] test`, `true`, `false`, `none`. Throws
/// SyntaxFailure.
Tree parse_template_expression(std::string_view text, const ExpressionLimits& limits);

/// Parses one rule as CPython 3.11 does; what mercure refuses when it evaluates becomes an `unsupported` node.
/// Throws SyntaxFailure.
Tree parse_tree(std::string_view text, const ExpressionLimits& limits);

/// What a reader should be told about a rule that means something else than it seems to.
std::vector<Diagnostic> find_suspicious_parts(const Tree& tree, std::string_view text);

/// Line and column of a byte range.
SourceRange locate(std::string_view text, std::uint32_t begin, std::uint32_t end);

}  // namespace quicksilver::rules
