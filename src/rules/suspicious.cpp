#include "methods.hpp"
#include "syntax.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace quicksilver::rules {

namespace {

/// Finds what mercure loads without a word and what nobody means.
class Reviewer {
public:
    Reviewer(const Tree& tree, std::string_view text) : tree_(tree), text_(text) {}

    std::vector<Diagnostic> run() {
        if (tree_.statements.empty()) warn("empty_rule", 0, 0, "the rule is empty and never true");
        for (std::size_t i = 0; i < tree_.statements.size(); ++i) statement(i);
        for (const Node& node : tree_.nodes) expression(node);
        return std::move(found_);
    }

private:
    void warn(const char* code, std::uint32_t begin, std::uint32_t end, std::string message) {
        found_.push_back({code, std::move(message), locate(text_, begin, end), Severity::warning});
    }
    void warn(const char* code, const Node& node, std::string message) {
        warn(code, node.begin, node.end, std::move(message));
    }

    void statement(std::size_t i) {
        const Node& node = tree_.node(tree_.statements[i]);
        const bool last = i + 1 == tree_.statements.size();
        if (node.kind == NodeKind::assign) {
            const Node& target = tree_.node(tree_.child(node, 1));
            if (last || is_tag(target)) {
                warn("assignment", node, "'=' assigns, and so the rule is never true; write '==' to compare");
            }
        } else if (!last) {
            warn("several_statements", node, "only the last statement counts; join conditions by 'and' or 'or'");
        }
        if (last && node.kind == NodeKind::expression) operand(tree_.node(tree_.child(node, 0)), "the rule");
    }

    void expression(const Node& node) {
        switch (node.kind) {
            case NodeKind::all_of:
            case NodeKind::any_of:
                for (std::uint32_t i = 0; i < node.count; ++i) {
                    operand(tree_.node(tree_.child(node, i)), node.kind == NodeKind::all_of ? "'and'" : "'or'");
                }
                break;
            case NodeKind::unary:
                if (node.op == Operator::logical_not) operand(tree_.node(tree_.child(node, 0)), "'not'");
                break;
            case NodeKind::compare:
                comparison(node);
                break;
            default:
                break;
        }
    }

    /// Something that is used for its truth.
    void operand(const Node& node, std::string_view where) {
        if (is_text(node) && tree_.constants[node.payload].text().length != 0) {
            warn("constant_condition", node,
                 fmt::format("a text as condition of {} is always true; compare it with a tag: tags.Name == {}", where,
                             to_utf8(text_.substr(node.begin, node.end - node.begin))));
        }
        method_without_call(node);
    }

    void comparison(const Node& node) {
        for (std::uint32_t i = 0; i + 1 < node.count; ++i) {
            const Node& left = tree_.node(tree_.child(node, i));
            const Node& right = tree_.node(tree_.child(node, i + 1));
            const Operator op = tree_.operators[node.payload + i];
            if ((op == Operator::is || op == Operator::is_not) && (is_text(left) || is_text(right))) {
                warn("identity", node, "'is' asks whether two values are one object; write '==' to compare");
            }
            const bool ordered = op != Operator::in && op != Operator::not_in;
            if (ordered && ((is_tag(left) && is_number(right)) || (is_number(left) && is_tag(right)))) {
                warn("text_and_number", node, "a tag is a text and never equals a number; write float(tags.Name)");
            }
        }
        for (std::uint32_t i = 0; i < node.count; ++i) method_without_call(tree_.node(tree_.child(node, i)));
    }

    void method_without_call(const Node& node) {
        if (node.kind != NodeKind::attribute) return;
        const std::string& name = tree_.names[node.payload].text;
        const std::span<const MethodEntry> methods = text_methods();
        const bool method =
            std::any_of(methods.begin(), methods.end(), [&](const MethodEntry& m) { return m.name == name; });
        if (!method || is_tag(node)) return;
        warn("method_not_called", node, fmt::format("'{}' is a method and always true; write .{}()", name, name));
    }

    bool is_tags(const Node& node) const {
        return node.kind == NodeKind::name && tree_.names[node.payload].text == "tags";
    }
    bool is_tag(const Node& node) const {
        if (node.kind == NodeKind::percent_tag) return true;
        const bool member = node.kind == NodeKind::attribute || node.kind == NodeKind::subscript;
        return member && is_tags(tree_.node(tree_.child(node, 0)));
    }
    bool is_text(const Node& node) const {
        return node.kind == NodeKind::constant && tree_.constants[node.payload].is(Kind::text);
    }
    bool is_number(const Node& node) const {
        return node.kind == NodeKind::constant &&
               (tree_.constants[node.payload].is(Kind::integer) || tree_.constants[node.payload].is(Kind::real));
    }

    const Tree& tree_;
    std::string_view text_;
    std::vector<Diagnostic> found_;
};

}  // namespace

std::vector<Diagnostic> find_suspicious_parts(const Tree& tree, std::string_view text) {
    return Reviewer(tree, text).run();
}

}  // namespace quicksilver::rules
