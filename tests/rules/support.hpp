#pragma once

#include "quicksilver/core/tags.hpp"
#include "quicksilver/rules/expression.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace quicksilver::rules {

inline Tags tags_of(std::vector<Tags::Entry> entries) {
    return Tags(std::move(entries));
}

/// The value as printed, or the error's code.
inline std::string result_of(std::string_view text, const Tags& tags = {}, const EvaluationOptions& options = {}) {
    const Evaluation evaluation = evaluate(Expression::compile(text), tags, options);
    return evaluation.error ? evaluation.error->code : evaluation.value;
}

}  // namespace quicksilver::rules
