#include "syntax_trees.hpp"

#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace quicksilver::rules {

namespace {

constexpr std::size_t readings_kept_max = 32;

/// The names between pairs of `@`, from left to right, as mercure pairs them.
std::vector<std::string> names_between_ats(std::string_view text) {
    std::vector<std::string> names;
    for (std::size_t at = 0;;) {
        const std::size_t opening = text.find('@', at);
        if (opening == std::string_view::npos) return names;
        const std::size_t closing = text.find('@', opening + 1);
        if (closing == std::string_view::npos) return names;
        std::string name(text.substr(opening + 1, closing - opening - 1));
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
        at = closing + 1;
    }
}

bool looks_like_tag(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ',' ||
               c == '(' || c == ')';
    });
}

/// Replaces every `@name@` and remembers where each byte came from.
void replace_tag(Reading& reading, const std::string& name) {
    const std::string wanted = "@" + name + "@", replacement = "tags[\"" + name + "\"]";
    std::string text;
    std::vector<std::uint32_t> from, to;
    for (std::size_t i = 0; i < reading.text.size();) {
        if (reading.text.compare(i, wanted.size(), wanted) == 0) {
            text += replacement;
            from.insert(from.end(), replacement.size(), reading.from[i]);
            to.insert(to.end(), replacement.size(), reading.to[i + wanted.size() - 1]);
            i += wanted.size();
        } else {
            text += reading.text[i];
            from.push_back(reading.from[i]);
            to.push_back(reading.to[i]);
            ++i;
        }
    }
    reading.text = std::move(text);
    reading.from = std::move(from);
    reading.to = std::move(to);
}

/// mercure takes a syntax error in a text with a pair of `@` for a missing tag.
std::optional<std::string> leftover_tag(std::string_view text) {
    const std::size_t opening = text.find('@');
    if (opening == std::string_view::npos) return std::nullopt;
    const std::size_t closing = text.find('@', opening + 1);
    if (closing == std::string_view::npos || closing <= 1) return std::nullopt;
    return std::string(text.substr(opening + 1, closing - opening - 1));
}

}  // namespace

SourceRange Reading::in_rule(std::string_view rule, std::uint32_t begin, std::uint32_t end) const {
    if (!from.empty()) {
        const auto size = static_cast<std::uint32_t>(from.size());
        const std::uint32_t whole = to.back();
        const std::uint32_t mapped = begin < size ? from[begin] : whole;
        end = end == 0 || end <= begin ? mapped : to[std::min(end, size) - 1];
        begin = mapped;
    }
    return locate(rule, begin, std::max(begin, end));
}

SyntaxTrees::SyntaxTrees(std::string_view text, const ExpressionLimits& limits)
    : text_(to_text(text)), limits_(limits) {
    // Longer texts are refused by the parser; pairing them would only cost time.
    if (text.size() <= limits.text_length * 4) candidates_ = names_between_ats(text_);
    for (const std::string& name : candidates_) expected_.push_back(looks_like_tag(name));
    usual_ = read(expected_);
    diagnostics_ = usual_->warnings;
    if (usual_->failure) diagnostics_.push_back(*usual_->failure);
    collect_tags(usual_->tree);
}

std::shared_ptr<const Reading> SyntaxTrees::reading_for(const Tags& tags, const HeaderLookup& header) const {
    if (candidates_.empty()) return usual_;
    std::vector<bool> present;
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
        const std::string name = to_utf8(candidates_[i]);
        present.push_back(tags.contains(name) || (expected_[i] && header && header(name)));
    }
    if (present == expected_) return usual_;
    const std::lock_guard lock(others_guard_);
    if (const auto known = others_.find(present); known != others_.end()) return known->second;
    std::shared_ptr<const Reading> reading = read(present);
    if (others_.size() < readings_kept_max) others_.emplace(present, reading);
    return reading;
}

std::shared_ptr<const Reading> SyntaxTrees::read(const std::vector<bool>& present) const {
    auto reading = std::make_shared<Reading>();
    reading->text = text_;
    if (std::find(present.begin(), present.end(), true) != present.end()) {
        for (std::uint32_t i = 0; i < text_.size(); ++i) {
            reading->from.push_back(i);
            reading->to.push_back(i + 1);
        }
        for (std::size_t i = 0; i < present.size(); ++i) {
            if (present[i]) replace_tag(*reading, candidates_[i]);
        }
    }
    try {
        reading->tree = parse_tree(reading->text, limits_);
        for (Diagnostic& warning : find_suspicious_parts(reading->tree, reading->text)) {
            warning.range = reading->in_rule(text_, warning.range.begin, warning.range.end);
            reading->warnings.push_back(std::move(warning));
        }
    } catch (const SyntaxFailure& failure) {
        Diagnostic diagnostic{failure.code, failure.message, reading->in_rule(text_, failure.begin, failure.end),
                              Severity::error};
        const std::optional<std::string> missing = leftover_tag(reading->text);
        if (missing && failure.code == "syntax_error") {
            diagnostic.code = "tag_missing";
            diagnostic.message = fmt::format("No such tag '{}' in tags list.", to_utf8(*missing));
        }
        reading->failure = std::move(diagnostic);
    }
    return reading;
}

void SyntaxTrees::collect_tags(const Tree& tree) {
    const auto is_tags = [&](std::uint32_t index) {
        const Node& node = tree.node(index);
        return node.kind == NodeKind::name && tree.names[node.payload].text == "tags";
    };
    const auto note_text = [&](std::uint32_t index) {
        const Node& node = tree.node(index);
        if (node.kind == NodeKind::constant && tree.constants[node.payload].is(Kind::text)) {
            tags_mentioned_.push_back(to_utf8(tree.constants[node.payload].text().bytes));
        }
    };
    for (const Node& node : tree.nodes) {
        if (node.kind == NodeKind::percent_tag) {
            tags_mentioned_.push_back(to_utf8(tree.names[node.payload].text));
        } else if (node.kind == NodeKind::attribute && is_tags(tree.child(node, 0))) {
            tags_mentioned_.push_back(to_utf8(tree.names[node.payload].text));
        } else if (node.kind == NodeKind::subscript && is_tags(tree.child(node, 0))) {
            note_text(tree.child(node, 1));
        } else if (node.kind == NodeKind::compare && node.count == 2 && is_tags(tree.child(node, 1))) {
            note_text(tree.child(node, 0));
        }
    }
    std::sort(tags_mentioned_.begin(), tags_mentioned_.end());
    tags_mentioned_.erase(std::unique(tags_mentioned_.begin(), tags_mentioned_.end()), tags_mentioned_.end());
}

}  // namespace quicksilver::rules
