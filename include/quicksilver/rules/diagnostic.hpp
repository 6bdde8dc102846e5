#pragma once

#include <cstdint>
#include <string>

namespace quicksilver::rules {

enum class Severity { warning, error };

/// A part of a rule's text: bytes [begin, end) for machines, line and column (from 1, in characters) for people.
struct SourceRange {
    std::uint32_t begin = 0, end = 0;
    std::uint32_t line = 1, column = 1;
};

/// Something about a rule's text or its evaluation that its author should know. `code` never changes once published
/// (docs/rules.md lists all); the message says what to do.
struct Diagnostic {
    std::string code;
    std::string message;
    SourceRange range;
    Severity severity = Severity::error;
};

}  // namespace quicksilver::rules
