#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/core/tags.hpp"
#include "quicksilver/rules/diagnostic.hpp"
#include "quicksilver/rules/limits.hpp"

#include <nlohmann/json.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver::rules {

class SyntaxTrees;

/// A rule's text and its syntax tree: mercure's rule language (docs/rules.md). Immutable and cheap to copy; any thread.
class Expression {
public:
    /// Fails with the first syntax error in words ("line 1, column 5: …").
    static Result<Expression> parse(std::string_view text, const ExpressionLimits& limits = {});

    /// Never fails: a text that is no expression is kept with its errors, and evaluates to false with the first of
    /// them. For rule sets, where one bad rule must not stop the others.
    static Expression compile(std::string_view text, const ExpressionLimits& limits = {});

    const std::string& text() const;
    bool valid() const;  ///< no diagnostic is an error
    /// Errors and warnings in the order of the text.
    const std::vector<Diagnostic>& diagnostics() const;
    /// Names of tags that the text mentions as `tags.Name`, `tags["Name"]`, `@Name@` or `%Name%`.
    const std::vector<std::string>& tags_mentioned() const;
    const SyntaxTrees& trees() const { return *trees_; }

private:
    explicit Expression(std::shared_ptr<const SyntaxTrees> trees) : trees_(std::move(trees)) {}
    std::shared_ptr<const SyntaxTrees> trees_;
};

/// Finds an element of the instance's header beyond the configured tags: a keyword, `gggg,eeee`, a path such as
/// `RequestAttributesSequence[0].ScheduledProcedureStepID`, or a private tag `gggg,xxee,CREATOR`. Nothing when absent.
using HeaderLookup = std::function<std::optional<std::string>(std::string_view path)>;

struct EvaluationOptions {
    bool explain = false;  ///< record the value of every sub-expression
    HeaderLookup header;   ///< asked for tags that the tag set lacks; none: such tags are missing
    std::map<std::string, nlohmann::json> variables;  ///< further names; how templates see `rule`, `event` …
    ExpressionLimits limits;
};

/// One sub-expression and what it was worth.
struct Explained {
    SourceRange range;
    std::string text;
    std::string value;  ///< as `repr` prints it, shortened to 200 characters; empty when it failed
    bool truth = false;
    bool decisive = false;  ///< this part decided the result: the innermost operand of `and`, `or`, `not` that did
    unsigned depth = 0;     ///< 0 is the whole expression
};

struct Evaluation {
    bool triggered = false;
    std::string value;                 ///< as Python's `repr` prints it; empty on an error
    nlohmann::json json;               ///< the same for machines; null on an error
    std::optional<Diagnostic> error;   ///< why it is false although it should have a value; `tag_missing` is one
    std::vector<std::string> tags;     ///< tags read, in the order of reading
    std::vector<std::string> missing;  ///< tags asked for that are not there
    std::vector<std::string>
        extensions;  ///< what mercure does not have: `header`, `matches`, `conditional`, `percent_tag`
    std::vector<Diagnostic> warnings;  ///< what is probably not meant
    std::vector<Explained> explain;    ///< outer before inner, when asked for

    /// The rule is false because a tag is missing, which mercure does not report.
    bool tag_missing() const { return error && error->code == "tag_missing"; }
};

/// Never throws, always ends (ExpressionLimits). Pure; any thread.
Evaluation evaluate(const Expression& expression, const Tags& tags, const EvaluationOptions& options = {});

/// `{"code","message","line","column"}`
nlohmann::json to_json(const Diagnostic& diagnostic);
/// What `rule eval --json` prints.
nlohmann::json to_json(const Evaluation& evaluation);

}  // namespace quicksilver::rules
