#pragma once

#include "quicksilver/core/tags.hpp"
#include "quicksilver/rules/expression.hpp"

#include "syntax.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver::rules {

/// One reading of a rule: with certain `@Name@` replaced.
struct Reading {
    std::string text;
    Tree tree;
    std::optional<Diagnostic> failure;  // then there is no tree
    std::vector<Diagnostic> warnings;
    std::vector<std::uint32_t> from, to;  // per byte of `text`: where it came from; empty: unchanged

    /// A range of `text` in the rule as written.
    SourceRange in_rule(std::string_view rule, std::uint32_t begin, std::uint32_t end) const;
};

/// A rule's text and all its readings. mercure replaces `@Name@` by text before it parses, and only when the series has
/// a tag of that name, so a rule with `@` can have several readings; nearly always it is one. Any thread.
class SyntaxTrees {
public:
    SyntaxTrees(std::string_view text, const ExpressionLimits& limits);

    const std::string& text() const { return text_; }
    const std::vector<Diagnostic>& diagnostics() const { return diagnostics_; }
    const std::vector<std::string>& tags_mentioned() const { return tags_mentioned_; }
    /// How the rule reads for this tag set.
    std::shared_ptr<const Reading> reading_for(const Tags& tags, const HeaderLookup& header) const;

private:
    std::shared_ptr<const Reading> read(const std::vector<bool>& present) const;
    void collect_tags(const Tree& tree);

    std::string text_;
    ExpressionLimits limits_;
    std::vector<std::string> candidates_;  // names between pairs of `@`, in mercure's order
    std::vector<bool> expected_;           // which of them look like tags
    std::shared_ptr<const Reading> usual_;
    std::vector<Diagnostic> diagnostics_;
    std::vector<std::string> tags_mentioned_;

    mutable std::mutex others_guard_;
    mutable std::map<std::vector<bool>, std::shared_ptr<const Reading>> others_;
};

}  // namespace quicksilver::rules
