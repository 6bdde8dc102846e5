#pragma once

#include "quicksilver/rules/limits.hpp"

#include "value.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver::rules {

enum class TokenKind : std::uint8_t { name, keyword, number, text, bytes, formatted_text, symbol, newline, end };

struct Token {
    TokenKind kind = TokenKind::end;
    std::string_view spelling;  // of names, keywords and symbols
    std::uint32_t begin = 0, end = 0;
    Value number;            // numbers
    bool oversized = false;  // numbers: an integer beyond 64 bits
    bool imaginary = false;  // numbers
    bool braces = false;     // formatted texts: there are replacement fields
    std::string text;        // texts: the value

    bool is(std::string_view what) const {
        return (kind == TokenKind::symbol || kind == TokenKind::keyword) && spelling == what;
    }
};

/// All tokens of a rule, as CPython's tokenizer sees them; ends with newline and end. Throws SyntaxFailure.
std::vector<Token> tokenize(std::string_view text, const ExpressionLimits& limits);

}  // namespace quicksilver::rules
