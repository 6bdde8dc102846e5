// For differential_test.py: reads one JSON object a line, `{"e": expression, "t": {tag: value}}` or
// `{"c": condition, "s": [series]}`, and prints what the rule language makes of it, one JSON array a line.

#include "quicksilver/rules/completion.hpp"
#include "quicksilver/rules/expression.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <iostream>
#include <string>

using namespace quicksilver;

namespace {

nlohmann::json evaluate_line(const nlohmann::ordered_json& line) {
    if (line.contains("c")) {
        const auto series = line.at("s").get<std::vector<std::string>>();
        const auto condition = line.at("c").get<std::string>();
        return {rules::evaluate_completion(condition, series).complete,
                rules::check_completion(condition).value_or("True")};
    }
    Tags tags;
    for (const auto& [key, value] : line.at("t").items()) tags.add(key, value.get<std::string>());
    const rules::Evaluation evaluation =
        rules::evaluate(rules::Expression::compile(line.at("e").get<std::string>()), tags);
    if (evaluation.error) return {evaluation.triggered, nullptr, evaluation.error->code};
    return {evaluation.triggered, evaluation.value, nullptr};
}

}  // namespace

int main() {
    std::ios::sync_with_stdio(false);
    for (std::string line; std::getline(std::cin, line);) {
        std::cout << evaluate_line(nlohmann::ordered_json::parse(line)).dump() << '\n';
    }
}
