#include "quicksilver/rules/completion.hpp"

#include "quicksilver/core/tags.hpp"
#include "quicksilver/rules/expression.hpp"

#include "methods.hpp"
#include "text.hpp"

#include <algorithm>
#include <array>

namespace quicksilver::rules {

namespace {

std::string lower(std::string_view text) {
    return to_text(lower_case(to_characters(to_text(text))));
}

/// There are no tags here.
Evaluation evaluate_without_tags(std::string_view text) {
    EvaluationOptions options;
    options.variables["tags"] = nullptr;
    return evaluate(Expression::compile(text), Tags(), options);
}

/// What stands between pairs of `'`, from left to right.
std::vector<std::string> quoted_texts(std::string_view text) {
    std::vector<std::string> out;
    for (std::size_t at = 0;;) {
        const std::size_t opening = text.find('\'', at);
        if (opening == std::string_view::npos) return out;
        const std::size_t closing = text.find('\'', opening + 1);
        if (closing == std::string_view::npos) return out;
        out.emplace_back(text.substr(opening + 1, closing - opening - 1));
        at = closing + 1;
    }
}

void replace_all(std::string& text, const std::string& from, std::string_view to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
}

void trim(std::string& text) {
    constexpr std::string_view blanks = " \t\n\r\f\v";
    text.erase(0, std::min(text.find_first_not_of(blanks), text.size()));
    text.erase(text.find_last_not_of(blanks) + 1);
}

}  // namespace

Completion evaluate_completion(std::string_view condition, const std::vector<std::string>& series_descriptions) {
    Completion completion;
    completion.complete = condition.empty() && !series_descriptions.empty();
    if (condition.empty()) return completion;
    std::vector<std::string> received;
    for (const std::string& description : series_descriptions) received.push_back(lower(description));
    std::string text = lower(condition);
    for (const std::string& wanted : quoted_texts(text)) {
        const std::string shown = to_utf8(wanted);
        if (std::ranges::find(completion.wanted, shown) != completion.wanted.end()) continue;
        completion.wanted.push_back(shown);
        const bool found = std::any_of(received.begin(), received.end(), [&](const std::string& description) {
            return description.find(wanted) != std::string::npos;
        });
        if (!found) completion.missing.push_back(shown);
        replace_all(text, "'" + wanted + "'", found ? " True " : " False ");
    }
    if (series_descriptions.empty()) return completion;
    trim(text);
    const Evaluation evaluation = evaluate_without_tags(text);
    completion.complete = evaluation.triggered;
    completion.error = evaluation.error;
    if (completion.error) completion.error->message = "Invalid completion condition: " + completion.error->message;
    return completion;
}

std::optional<std::string> check_completion(std::string_view condition) {
    if (condition.empty()) return "Value cannot be empty";
    const auto quotes = std::count(condition.begin(), condition.end(), '\'');
    if (quotes == 0 || condition.find('"') != std::string_view::npos) return "Series names must be enclosed by '...'";
    if (quotes % 2 != 0) return "Series names not properly enclosed by '...'";
    if (evaluate_without_tags(condition).error) return "Compare syntax with example shown above.";
    std::string text(condition);
    for (const std::string& name : quoted_texts(condition)) replace_all(text, "'" + name + "'", " @@SERIES@@ ");
    constexpr std::array allowed{std::string_view("@@SERIES@@"), std::string_view("or"), std::string_view("and"),
                                 std::string_view("("),          std::string_view(")"),  std::string_view("")};
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(' ', at), text.size());
        if (std::find(allowed.begin(), allowed.end(), std::string_view(text).substr(at, end - at)) == allowed.end()) {
            return "Invalid entries. Are all series names enclosed?";
        }
        at = end + 1;
    }
    return std::nullopt;
}

}  // namespace quicksilver::rules
