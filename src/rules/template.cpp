#include "quicksilver/rules/template.hpp"

#include "conversion.hpp"
#include "machine.hpp"
#include "template_program.hpp"
#include "text.hpp"

#include <fmt/format.h>

namespace quicksilver::rules {

namespace {

/// Runs a template's blocks. All expressions share one machine, and so its limits.
class Renderer {
public:
    Renderer(const Template::Program& program, Machine& machine, Escaping escaping)
        : program_(program), machine_(machine), escaping_(escaping) {}

    std::string run() {
        render(program_.blocks);
        return to_utf8(out_);
    }

    unsigned line() const { return line_; }

private:
    void render(const std::vector<Block>& blocks) {
        for (const Block& block : blocks) {
            line_ = block.line;
            machine_.step();
            switch (block.kind) {
                case BlockKind::text:
                    put(block.text);
                    break;
                case BlockKind::output:
                    put(escaped(block, machine_.run(block.expression)));
                    break;
                case BlockKind::set:
                    machine_.set_variable(block.names.front(), machine_.run(block.expression));
                    break;
                case BlockKind::condition:
                    render(choose(block));
                    break;
                case BlockKind::loop:
                    loop(block);
                    break;
            }
        }
    }

    void put(std::string_view text) {
        out_ += text;
        if (out_.size() > program_.limits.output_length) {
            machine_.fail("limit_output",
                          fmt::format("the text is longer than {} bytes", program_.limits.output_length));
        }
    }

    std::string escaped(const Block& block, Value value) {
        const std::string text = value.is(Kind::undefined) ? "" : to_str(machine_, value);
        if (block.already_escaped) return text;
        if (escaping_ == Escaping::html) return escape_html(text);
        return escaping_ == Escaping::json ? escape_json(to_utf8(text)) : text;
    }

    const std::vector<Block>& choose(const Block& block) {
        return truth(machine_, machine_.run(block.expression)) ? block.inside : block.otherwise;
    }

    void loop(const Block& block) {
        const std::vector<Value> items = elements_of(machine_, machine_.run(block.expression));
        const Machine::Variables outside = machine_.variables();
        for (std::size_t i = 0; i < items.size(); ++i) {
            if (++iterations_ > program_.limits.iterations) {
                machine_.fail("limit_iterations",
                              fmt::format("loops of more than {} rounds", program_.limits.iterations));
            }
            bind(block, items[i]);
            machine_.set_variable("loop", loop_state(i, items.size()));
            render(block.inside);
            machine_.restore_variables(outside);
        }
        if (items.empty()) render(block.otherwise);
    }

    void bind(const Block& block, Value item) {
        if (block.names.size() == 1) return machine_.set_variable(block.names[0], item);
        const std::vector<Value> parts = elements_of(machine_, item);
        if (parts.size() != block.names.size()) machine_.value_error("wrong number of values for the loop's names");
        for (std::size_t i = 0; i < parts.size(); ++i) machine_.set_variable(block.names[i], parts[i]);
    }

    Value loop_state(std::size_t i, std::size_t size) {
        const nlohmann::json state{{"index", i + 1},        {"index0", i},    {"first", i == 0},
                                   {"last", i + 1 == size}, {"length", size}, {"revindex", size - i}};
        return from_json(machine_, state);
    }

    const Template::Program& program_;
    Machine& machine_;
    Escaping escaping_;
    std::string out_;
    unsigned line_ = 1;
    std::size_t iterations_ = 0;
};

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
}

}  // namespace

Result<Template> Template::parse(std::string_view text, const TemplateLimits& limits) {
    if (text.size() > limits.text_length) {
        return Error{Errc::invalid, fmt::format("limit_text: a template has at most {} bytes", limits.text_length)};
    }
    try {
        return Template(std::make_shared<const Program>(parse_program(to_text(text), limits)));
    } catch (const TemplateFailure& failure) {
        return Error{Errc::invalid, fmt::format("template line {}: {}", failure.line, failure.message)};
    }
}

Result<std::string> Template::render(const nlohmann::json& variables, Escaping escaping) const {
    const Tags no_tags;
    const EvaluationOptions options;
    Machine machine(no_tags, options, true);
    Renderer renderer(*program_, machine, escaping);
    try {
        for (const auto& [name, value] : variables.items()) machine.set_variable(name, from_json(machine, value));
        return renderer.run();
    } catch (const Failure& failure) {
        return Error{Errc::invalid,
                     fmt::format("template line {}: {}: {}", renderer.line(), failure.code, to_utf8(failure.message))};
    }
}

std::string escape_html(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&#34;";
                break;
            case '\'':
                out += "&#39;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

std::string escape_json(std::string_view text) {
    // Python's json writes ASCII only; readers cannot tell the difference, and mercure's payloads look like that.
    const nlohmann::json json(to_utf8(to_text(text)));
    const std::string quoted = json.dump(-1, ' ', true);
    std::string out;
    for (const char c : std::string_view(quoted).substr(1, quoted.size() - 2)) {
        switch (c) {
            case '<':
                out += "\\u003c";
                break;
            case '>':
                out += "\\u003e";
                break;
            case '&':
                out += "\\u0026";
                break;
            case '\'':
                out += "\\u0027";
                break;
            default:
                out += c;
        }
    }
    return out;
}

std::string replace_macros(std::string_view text, std::string_view rule, std::string_view task_id,
                           std::string_view event) {
    std::string out(text);
    replace_all(out, "@rule@", rule);
    replace_all(out, "@task_id@", task_id);
    replace_all(out, "@event@", event);
    return out;
}

}  // namespace quicksilver::rules
