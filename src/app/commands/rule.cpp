#include "quicksilver/dicom/startup.hpp"
#include "quicksilver/dicom/tag_reader.hpp"
#include "quicksilver/rules/expression.hpp"
#include "quicksilver/store/durable_file.hpp"

#include "commands.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <memory>

namespace quicksilver {

namespace {

struct RuleOptions {
    std::string expression;
    std::string tags_file;
    std::string dicom_file;
    bool json = false;
};

Result<Tags> tags_of_json(const std::string& file) {
    const auto text = read_text_file(file);
    if (!text) return text.error();
    const auto document = nlohmann::ordered_json::parse(*text, nullptr, false);
    if (!document.is_object())
        return Error{Errc::invalid, file + " is not a JSON object of tags: {\"Modality\": \"CT\", …}"};
    Tags tags;
    for (const auto& [key, value] : document.items())
        tags.set(key, value.is_string() ? value.get<std::string>() : value.dump());
    return tags;
}

void print_evaluation(const rules::Evaluation& evaluation) {
    fmt::print("{}\n", evaluation.triggered ? "triggers" : "does not trigger");
    if (evaluation.error) {
        fmt::print("  because: line {}, column {}: {}\n", evaluation.error->range.line, evaluation.error->range.column,
                   evaluation.error->message);
    } else {
        fmt::print("  value: {}\n", evaluation.value);
    }
    for (const rules::Diagnostic& warning : evaluation.warnings) {
        fmt::print("  warning: line {}, column {}: {}\n", warning.range.line, warning.range.column, warning.message);
    }
    if (!evaluation.tags.empty()) fmt::print("  tags read: {}\n", fmt::join(evaluation.tags, ", "));
    if (!evaluation.missing.empty()) fmt::print("  tags missing: {}\n", fmt::join(evaluation.missing, ", "));
    if (!evaluation.extensions.empty()) {
        fmt::print("  beyond mercure: {}\n", fmt::join(evaluation.extensions, ", "));
    }
    for (const rules::Explained& part : evaluation.explain) {
        fmt::print("  {:>{}}{} = {}{}\n", "", part.depth * 2, part.text, part.value.empty() ? "(failed)" : part.value,
                   part.decisive ? "   <- decides" : "");
    }
}

int evaluate_rule(const RuleOptions& options) {
    std::unique_ptr<dicom::Startup> dicom;
    rules::EvaluationOptions evaluation_options;
    evaluation_options.explain = true;
    Result<Tags> tags = Tags();
    if (!options.dicom_file.empty()) {
        auto begun = dicom::Startup::begin(Log(make_silent_log(), "rule"));
        if (!begun) return fail(begun.error().message);
        dicom = std::move(*begun);
        tags = dicom::read_tags(options.dicom_file);
        evaluation_options.header = [&options](std::string_view path) {
            return dicom::read_element(options.dicom_file, path);
        };
    } else {
        tags = tags_of_json(options.tags_file);
    }
    if (!tags) return fail(tags.error().message);

    const auto evaluation = rules::evaluate(rules::Expression::compile(options.expression), *tags, evaluation_options);
    if (options.json) {
        fmt::print("{}\n", rules::to_json(evaluation).dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
        print_evaluation(evaluation);
    }
    return 0;
}

}  // namespace

void add_rule_command(CLI::App& app, int& status) {
    auto* command = app.add_subcommand("rule", "Try rules");
    command->require_subcommand(1);
    auto* eval = command->add_subcommand("eval", "Evaluate an expression over tags and explain the result");
    const auto options = std::make_shared<RuleOptions>();
    eval->add_option("EXPRESSION", options->expression, "For example: tags.Modality == \"CT\"")->required();
    auto* source = eval->add_option_group("tags");
    source->add_option("--tags", options->tags_file, "JSON file: {\"Modality\": \"CT\", …}");
    source->add_option("--file", options->dicom_file, "DICOM file");
    source->require_option(1);
    eval->add_flag("--json", options->json, "For machines");
    eval->callback([options, &status] { status = evaluate_rule(*options); });
}

}  // namespace quicksilver
