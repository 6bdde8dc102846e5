#pragma once

#include "quicksilver/core/config.hpp"
#include "quicksilver/core/tags.hpp"
#include "quicksilver/rules/expression.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver::rules {

/// The tag whose value is the name of the one rule that decides, whatever its expression says.
inline constexpr std::string_view force_rule_tag = "mercureForceRule";

enum class RuleOutcome {
    triggered,
    not_triggered,
    missing_tag,  ///< false because a tag is absent; mercure is silent here
    failed,       ///< false because the expression is invalid or failed
    disabled,
    fallback,     ///< held back: another rule triggered, or a later fallback rule counts
    not_reached,  ///< behind a discard rule
    forced,       ///< triggered by `mercureForceRule`; its expression was not asked
    not_forced,   ///< another rule was forced
};

/// Why one rule did or did not trigger; small enough to keep for every series.
struct RuleTrace {
    std::string rule;
    RuleOutcome outcome = RuleOutcome::not_triggered;
    std::string expression;            ///< its text, when it was evaluated
    std::string value;                 ///< of the expression, when it was evaluated
    std::vector<std::string> tags;     ///< tags it read
    std::vector<std::string> missing;  ///< tags it asked for in vain
    std::optional<Diagnostic> error;
    std::vector<std::string> warnings;
    /// When explanations were asked for: every part of a rule that triggered or failed; of the others, which are many,
    /// only the parts that decided.
    std::vector<Explained> explain;
};

struct Decision {
    std::vector<std::string> triggered;  ///< rule names, in the order of the configuration
    std::string discard_rule;            ///< the whole series is discarded by this rule; empty: by none
    std::string forced_rule;             ///< value of `mercureForceRule`; empty: not forced
    /// The forced rule does not exist. mercure throws the series away here; the caller keeps it in the error folder.
    bool unknown_forced_rule = false;
    std::vector<RuleTrace> trace;  ///< one a rule, in the order of the configuration

    /// Nothing triggered, or a rule discards: the files go to the discard folder.
    bool discards() const { return !unknown_forced_rule && (triggered.empty() || !discard_rule.empty()); }
    /// Sentences for the log and the task's events, each naming its rule.
    std::vector<std::string> errors() const;
};

/// The rules of one configuration, compiled once. Immutable and cheap to copy; any thread.
///
/// Decides as mercure does (contract §5.3), with two differences that keep data which mercure deletes:
///  - a forced rule that does not exist is an error (`unknown_forced_rule`), not a discard;
///  - a forced rule whose action is discard is a discard by that rule, so the files lie in the discard folder.
class RuleSet {
public:
    RuleSet() = default;
    explicit RuleSet(const std::vector<RuleConfig>& rules);

    Decision decide(const Tags& tags, const EvaluationOptions& options = {}) const;

    std::size_t size() const { return rules_ ? rules_->size() : 0; }
    /// Null when there is no such rule.
    const Expression* find(std::string_view rule) const;

private:
    struct Rule {
        std::string name;
        bool disabled = false, fallback = false, discards = false;
        Expression expression;
    };
    Decision forced(const std::string& name) const;
    static void trigger(Decision& decision, const Rule& rule);
    std::shared_ptr<const std::vector<Rule>> rules_;
};

std::string_view to_string(RuleOutcome outcome);
nlohmann::json to_json(const RuleTrace& trace);
nlohmann::json to_json(const Decision& decision);

}  // namespace quicksilver::rules
