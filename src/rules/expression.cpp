#include "quicksilver/rules/expression.hpp"

#include "conversion.hpp"
#include "machine.hpp"
#include "syntax_trees.hpp"
#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace quicksilver::rules {

Result<Expression> Expression::parse(std::string_view text, const ExpressionLimits& limits) {
    Expression expression = compile(text, limits);
    for (const Diagnostic& diagnostic : expression.diagnostics()) {
        if (diagnostic.severity != Severity::error) continue;
        return Error{Errc::invalid, fmt::format("line {}, column {}: {}", diagnostic.range.line,
                                                diagnostic.range.column, diagnostic.message)};
    }
    return expression;
}

Expression Expression::compile(std::string_view text, const ExpressionLimits& limits) {
    return Expression(std::make_shared<const SyntaxTrees>(text, limits));
}

const std::string& Expression::text() const {
    return trees_->text();
}
const std::vector<Diagnostic>& Expression::diagnostics() const {
    return trees_->diagnostics();
}
const std::vector<std::string>& Expression::tags_mentioned() const {
    return trees_->tags_mentioned();
}

bool Expression::valid() const {
    return std::none_of(diagnostics().begin(), diagnostics().end(),
                        [](const Diagnostic& d) { return d.severity == Severity::error; });
}

namespace {

/// Marks the sub-expressions that decided the result: of a false `and` the operand that was false, and so on down.
class Decider {
public:
    Decider(const Tree& tree, const std::vector<Machine::Trace>& trace) : tree_(tree), trace_(trace) {}

    std::vector<bool> run(std::uint32_t root) {
        marks_.resize(trace_.size());
        follow(root);
        return marks_;
    }

private:
    std::size_t entry_of(std::uint32_t node) const {
        const auto found = std::find_if(trace_.begin(), trace_.end(), [&](const auto& t) { return t.node == node; });
        return static_cast<std::size_t>(found - trace_.begin());
    }

    void follow(std::uint32_t index) {
        const std::size_t entry = entry_of(index);
        if (entry == trace_.size() || !trace_[entry].finished) return;
        const Node& node = tree_.node(index);
        const bool junction = node.kind == NodeKind::all_of || node.kind == NodeKind::any_of;
        if (junction) {
            const bool needs_all = trace_[entry].truth == (node.kind == NodeKind::all_of);
            for (std::uint32_t i = 0; i < node.count; ++i) {
                const std::uint32_t child = tree_.child(node, i);
                const std::size_t below = entry_of(child);
                if (below == trace_.size()) break;
                if (needs_all || trace_[below].truth == trace_[entry].truth) follow(child);
            }
        } else if (node.kind == NodeKind::unary && node.op == Operator::logical_not) {
            follow(tree_.child(node, 0));
        } else {
            marks_[entry] = true;
        }
    }

    const Tree& tree_;
    const std::vector<Machine::Trace>& trace_;
    std::vector<bool> marks_;
};

std::vector<Explained> explanation(const Machine& machine, const Reading& reading, std::string_view rule) {
    std::vector<bool> decisive(machine.trace().size());
    if (!reading.tree.statements.empty()) {
        const Node& last = reading.tree.node(reading.tree.statements.back());
        if (last.kind == NodeKind::expression) {
            decisive = Decider(reading.tree, machine.trace()).run(reading.tree.child(last, 0));
        }
    }
    std::vector<Explained> out;
    for (std::size_t i = 0; i < machine.trace().size(); ++i) {
        const Machine::Trace& trace = machine.trace()[i];
        const Node& node = reading.tree.node(trace.node);
        Explained explained;
        explained.range = reading.in_rule(rule, node.begin, node.end);
        explained.text = to_utf8(rule.substr(explained.range.begin, explained.range.end - explained.range.begin));
        explained.value = to_utf8(trace.value);
        explained.truth = trace.truth;
        explained.decisive = decisive[i];
        explained.depth = trace.depth;
        out.push_back(std::move(explained));
    }
    return out;
}

Diagnostic diagnostic_of(const Failure& failure, const Machine& machine, const Reading& reading,
                         std::string_view rule) {
    Diagnostic diagnostic{failure.code, to_utf8(failure.message), {}, Severity::error};
    if (machine.current() < reading.tree.nodes.size()) {
        const Node& node = reading.tree.node(machine.current());
        diagnostic.range = reading.in_rule(rule, node.begin, node.end);
    }
    return diagnostic;
}

/// The value's text never changes whether the rule triggered.
void print_value(Machine& machine, Value value, Evaluation& evaluation) {
    try {
        evaluation.value = to_utf8(repr(machine, value));
        evaluation.json = to_json(machine, value);
    } catch (const Failure&) {
        evaluation.value = fmt::format("<{} too large to show>", type_name(value));
        evaluation.json = evaluation.value;
    }
}

}  // namespace

Evaluation evaluate(const Expression& expression, const Tags& tags, const EvaluationOptions& options) {
    Evaluation evaluation;
    const SyntaxTrees& trees = expression.trees();
    const std::shared_ptr<const Reading> reading = trees.reading_for(tags, options.header);
    evaluation.warnings = reading->warnings;
    if (reading->failure) {
        evaluation.error = reading->failure;
        return evaluation;
    }
    Machine machine(tags, options);
    try {
        for (const auto& [name, value] : options.variables) machine.set_variable(name, from_json(machine, value));
        const Value value = machine.run(reading->tree);
        evaluation.triggered = truth(machine, value);
        print_value(machine, value, evaluation);
    } catch (const Failure& failure) {
        evaluation.error = diagnostic_of(failure, machine, *reading, trees.text());
    }
    evaluation.tags = machine.tags_read();
    evaluation.missing = machine.tags_missing();
    evaluation.extensions = machine.extensions();
    if (options.explain) evaluation.explain = explanation(machine, *reading, trees.text());
    return evaluation;
}

nlohmann::json to_json(const Diagnostic& diagnostic) {
    return {{"code", diagnostic.code},
            {"message", diagnostic.message},
            {"line", diagnostic.range.line},
            {"column", diagnostic.range.column}};
}

nlohmann::json to_json(const Evaluation& evaluation) {
    nlohmann::json explain = nlohmann::json::array();
    for (const Explained& part : evaluation.explain) {
        explain.push_back({{"text", part.text},
                           {"value", part.value},
                           {"truth", part.truth},
                           {"decisive", part.decisive},
                           {"depth", part.depth},
                           {"from", part.range.begin},
                           {"to", part.range.end},
                           {"line", part.range.line},
                           {"column", part.range.column}});
    }
    nlohmann::json warnings = nlohmann::json::array();
    for (const Diagnostic& warning : evaluation.warnings) warnings.push_back(to_json(warning));
    return {{"value", evaluation.json},
            {"repr", evaluation.value},
            {"triggered", evaluation.triggered},
            {"error", evaluation.error ? to_json(*evaluation.error) : nlohmann::json()},
            {"tags", evaluation.tags},
            {"missing", evaluation.missing},
            {"extensions", evaluation.extensions},
            {"warnings", std::move(warnings)},
            {"explain", std::move(explain)}};
}

}  // namespace quicksilver::rules
