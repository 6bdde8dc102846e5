#pragma once

#include "quicksilver/core/result.hpp"

#include <nlohmann/json.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace quicksilver::rules {

/// How `{{ … }}` is written: mercure escapes nothing; html is for HTML mail, json for payloads that are JSON.
enum class Escaping { none, html, json };

/// Limits of one rendering; at a limit it fails with a clear error.
struct TemplateLimits {
    std::size_t text_length = 200'000;      ///< bytes of a template
    std::size_t output_length = 1'000'000;  ///< bytes of the result
    std::size_t iterations = 10'000;        ///< rounds of all loops together
    std::size_t nesting = 32;               ///< blocks inside blocks
};

/// A notification's text: Jinja's `{{ expr }}`, `{% if %}`, `{% for %}`, `{% set %}`, `{# … #}` and filters over the
/// rule language (contract §8, docs/rules.md). Immutable and cheap to copy; any thread.
class Template {
public:
    static Result<Template> parse(std::string_view text, const TemplateLimits& limits = {});

    /// `variables` is an object; a name that it lacks is undefined: it prints nothing and is false.
    Result<std::string> render(const nlohmann::json& variables, Escaping escaping = Escaping::none) const;

    struct Program;

private:
    explicit Template(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
    std::shared_ptr<const Program> program_;
};

/// `text` as the inside of a JSON string, without quotes, also escaping `<`, `>`, `&` and `'` (contract §8).
std::string escape_json(std::string_view text);
std::string escape_html(std::string_view text);

/// mercure's `@rule@`, `@task_id@` and `@event@`, replaced before the template is parsed.
std::string replace_macros(std::string_view text, std::string_view rule, std::string_view task_id,
                           std::string_view event);

}  // namespace quicksilver::rules
