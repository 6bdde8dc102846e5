#pragma once

#include "quicksilver/rules/template.hpp"

#include "syntax.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace quicksilver::rules {

enum class BlockKind { text, output, set, condition, loop };

/// One piece of a template.
struct Block {
    BlockKind kind = BlockKind::text;
    unsigned line = 1;
    std::string text;                // text
    Tree expression;                 // all others
    bool already_escaped = false;    // output: `|safe`, `|e`, `|tojson`
    std::vector<std::string> names;  // set, loop
    std::vector<Block> inside;       // condition, loop
    std::vector<Block> otherwise;    // else and elif
};

struct Template::Program {
    TemplateLimits limits;
    std::vector<Block> blocks;
};

/// A template that cannot be parsed; thrown within the parser only.
struct TemplateFailure {
    std::string message;
    unsigned line;
};

/// Throws TemplateFailure.
Template::Program parse_program(std::string_view text, const TemplateLimits& limits);

}  // namespace quicksilver::rules
