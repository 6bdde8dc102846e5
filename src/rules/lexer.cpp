#include "lexer.hpp"

#include "number_text.hpp"
#include "syntax.hpp"
#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace quicksilver::rules {

namespace {

constexpr std::array keywords{
    std::string_view("False"),   std::string_view("None"),     std::string_view("True"),     std::string_view("and"),
    std::string_view("as"),      std::string_view("assert"),   std::string_view("async"),    std::string_view("await"),
    std::string_view("break"),   std::string_view("class"),    std::string_view("continue"), std::string_view("def"),
    std::string_view("del"),     std::string_view("elif"),     std::string_view("else"),     std::string_view("except"),
    std::string_view("finally"), std::string_view("for"),      std::string_view("from"),     std::string_view("global"),
    std::string_view("if"),      std::string_view("import"),   std::string_view("in"),       std::string_view("is"),
    std::string_view("lambda"),  std::string_view("nonlocal"), std::string_view("not"),      std::string_view("or"),
    std::string_view("pass"),    std::string_view("raise"),    std::string_view("return"),   std::string_view("try"),
    std::string_view("while"),   std::string_view("with"),     std::string_view("yield"),
};

// Longer ones first.
constexpr std::array symbols{
    std::string_view("**="), std::string_view("//="), std::string_view(">>="), std::string_view("<<="),
    std::string_view("..."), std::string_view("**"),  std::string_view("//"),  std::string_view(">>"),
    std::string_view("<<"),  std::string_view("<="),  std::string_view(">="),  std::string_view("=="),
    std::string_view("!="),  std::string_view("->"),  std::string_view(":="),  std::string_view("+="),
    std::string_view("-="),  std::string_view("*="),  std::string_view("/="),  std::string_view("%="),
    std::string_view("&="),  std::string_view("|="),  std::string_view("^="),  std::string_view("@="),
    std::string_view("+"),   std::string_view("-"),   std::string_view("*"),   std::string_view("/"),
    std::string_view("%"),   std::string_view("@"),   std::string_view("&"),   std::string_view("|"),
    std::string_view("^"),   std::string_view("~"),   std::string_view("<"),   std::string_view(">"),
    std::string_view("("),   std::string_view(")"),   std::string_view("["),   std::string_view("]"),
    std::string_view("{"),   std::string_view("}"),   std::string_view(","),   std::string_view(":"),
    std::string_view("."),   std::string_view(";"),   std::string_view("="),
};

bool is_ascii_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_hex_digit(char c) {
    return is_ascii_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
char ascii_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

class Lexer {
public:
    Lexer(std::string_view text, const ExpressionLimits& limits) : text_(text), limits_(limits) {}

    std::vector<Token> run() {
        while (position_ < text_.size()) {
            if (at_line_start_ && brackets_.empty() && skip_empty_line()) continue;
            next_token();
        }
        if (!brackets_.empty()) {
            fail(brackets_.back(), brackets_.back() + 1, fmt::format("'{}' was never closed", text_[brackets_.back()]));
        }
        if (!tokens_.empty() && tokens_.back().kind != TokenKind::newline) push(TokenKind::newline, position_);
        push(TokenKind::end, position_);
        return std::move(tokens_);
    }

private:
    [[noreturn]] void fail(std::size_t begin, std::size_t end, std::string message) const {
        throw SyntaxFailure{"syntax_error", std::move(message), static_cast<std::uint32_t>(begin),
                            static_cast<std::uint32_t>(std::max(begin, end))};
    }

    char at(std::size_t i) const { return i < text_.size() ? text_[i] : '\0'; }
    char here() const { return at(position_); }

    Token& push(TokenKind kind, std::size_t begin) {
        Token& token = tokens_.emplace_back();
        token.kind = kind;
        token.begin = static_cast<std::uint32_t>(begin);
        token.end = static_cast<std::uint32_t>(position_);
        token.spelling = text_.substr(begin, position_ - begin);
        return token;
    }

    std::size_t line_break_at(std::size_t i) const {
        if (at(i) == '\n') return 1;
        if (at(i) == '\r') return at(i + 1) == '\n' ? 2 : 1;
        return 0;
    }

    /// True when the line was blank or a comment; a line that begins with a blank is an error, as in Python.
    bool skip_empty_line() {
        const std::size_t begin = position_;
        std::size_t i = begin;
        bool indented = false;
        for (; at(i) == ' ' || at(i) == '\t' || at(i) == '\f'; ++i) indented = at(i) != '\f';
        if (at(i) == '#') {
            while (i < text_.size() && line_break_at(i) == 0) ++i;
        }
        if (i == text_.size() || line_break_at(i) != 0) {
            position_ = i + line_break_at(i);
            return true;
        }
        if (indented) fail(begin, i, "unexpected indent: remove the blanks at the start of the line");
        position_ = i;
        at_line_start_ = false;
        return false;
    }

    void next_token() {
        const char c = here();
        if (c == ' ' || c == '\t' || c == '\f') {
            ++position_;
        } else if (c == '#') {
            while (position_ < text_.size() && line_break_at(position_) == 0) ++position_;
        } else if (const std::size_t size = line_break_at(position_); size != 0) {
            end_line(size);
        } else if (c == '\\') {
            join_lines();
        } else if (is_ascii_digit(c) || (c == '.' && is_ascii_digit(at(position_ + 1)))) {
            number();
        } else if (c == '"' || c == '\'') {
            string(position_);
        } else if (starts_name()) {
            name();
        } else {
            symbol();
        }
    }

    void end_line(std::size_t size) {
        const std::size_t begin = position_;
        position_ += size;
        if (!brackets_.empty()) return;
        push(TokenKind::newline, begin);
        at_line_start_ = true;
    }

    void join_lines() {
        const std::size_t size = line_break_at(position_ + 1);
        if (size == 0) fail(position_, position_ + 1, "unexpected character after line continuation character");
        position_ += 1 + size;
        if (position_ == text_.size()) fail(position_, position_, "unexpected end of the rule after '\\'");
    }

    bool starts_name() const {
        const char c = here();
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_') return true;
        return static_cast<unsigned char>(c) >= 0x80 && unicode::is_name_start(decode_at(text_, position_).code);
    }

    void name() {
        const std::size_t begin = position_;
        while (position_ < text_.size()) {
            const Decoded character = decode_at(text_, position_);
            if (!unicode::is_name_part(character.code)) break;
            position_ += character.size;
        }
        const std::string_view spelling = text_.substr(begin, position_ - begin);
        if ((here() == '"' || here() == '\'') && is_string_prefix(spelling)) return string(begin);
        const bool keyword = std::binary_search(keywords.begin(), keywords.end(), spelling);
        push(keyword ? TokenKind::keyword : TokenKind::name, begin);
    }

    static bool is_string_prefix(std::string_view spelling) {
        if (spelling.size() > 2) return false;
        std::string prefix;
        for (const char c : spelling) prefix += ascii_lower(c);
        constexpr std::array known{std::string_view("r"),  std::string_view("u"),  std::string_view("b"),
                                   std::string_view("br"), std::string_view("rb"), std::string_view("f"),
                                   std::string_view("fr"), std::string_view("rf")};
        return std::find(known.begin(), known.end(), prefix) != known.end();
    }

    void symbol() {
        const std::size_t begin = position_;
        for (const std::string_view spelling : symbols) {
            if (text_.substr(position_, spelling.size()) != spelling) continue;
            track_brackets(spelling);
            position_ += spelling.size();
            push(TokenKind::symbol, begin);
            return;
        }
        const Decoded character = decode_at(text_, position_);
        std::string shown;
        append_character(shown, character.code);
        if (!unicode::is_printable(character.code))
            shown = fmt::format("U+{:04X}", static_cast<unsigned>(character.code));
        fail(begin, begin + character.size, fmt::format("the character '{}' has no meaning here", to_utf8(shown)));
    }

    void track_brackets(std::string_view spelling) {
        const char c = spelling.size() == 1 ? spelling[0] : '\0';
        if (c == '(' || c == '[' || c == '{') {
            if (brackets_.size() == limits_.nesting) {
                throw SyntaxFailure{"limit_nesting",
                                    fmt::format("more than {} brackets inside each other", limits_.nesting),
                                    static_cast<std::uint32_t>(position_), static_cast<std::uint32_t>(position_ + 1)};
            }
            brackets_.push_back(position_);
        } else if (c == ')' || c == ']' || c == '}') {
            if (brackets_.empty()) fail(position_, position_ + 1, fmt::format("unmatched '{}'", c));
            const char open = text_[brackets_.back()];
            const bool matches = (open == '(' && c == ')') || (open == '[' && c == ']') || (open == '{' && c == '}');
            if (!matches) {
                fail(position_, position_ + 1, fmt::format("closing '{}' does not match opening '{}'", c, open));
            }
            brackets_.pop_back();
        }
    }

    // Numbers -------------------------------------------------------------------------------------------------------

    void number() {
        const std::size_t begin = position_;
        const char marker = ascii_lower(at(begin + 1));
        if (here() == '0' && (marker == 'x' || marker == 'o' || marker == 'b')) return prefixed_number(begin, marker);
        const bool real = decimal_number(begin);
        bool imaginary = false;
        if (ascii_lower(here()) == 'j') {
            imaginary = true;
            ++position_;
        }
        check_end_of_number(begin);
        std::string digits;
        for (std::size_t i = begin; i < position_; ++i) {
            if (text_[i] != '_') digits += text_[i];
        }
        Token& token = push(TokenKind::number, begin);
        token.imaginary = imaginary;
        if (real || imaginary) {
            token.number = Value(to_real(digits));
        } else {
            set_integer(token, digits, 10);
        }
    }

    /// Digits with single underscores between them; false when there is none.
    bool digits() {
        const std::size_t begin = position_;
        while (is_ascii_digit(here()) || (here() == '_' && position_ > begin && is_ascii_digit(at(position_ + 1)))) {
            ++position_;
        }
        if (here() == '_' && position_ > begin) fail(position_, position_ + 1, "invalid decimal literal");
        return position_ > begin;
    }

    bool decimal_number(std::size_t begin) {
        bool real = false;
        digits();
        const std::size_t whole_end = position_;
        if (here() == '.') {
            ++position_;
            real = true;
            if (is_ascii_digit(here())) digits();
        }
        if (ascii_lower(here()) == 'e') {
            const std::size_t sign = at(position_ + 1) == '+' || at(position_ + 1) == '-' ? 1 : 0;
            if (is_ascii_digit(at(position_ + 1 + sign))) {
                position_ += 1 + sign;
                digits();
                real = true;
            }
        }
        if (!real && ascii_lower(here()) != 'j') check_leading_zeros(begin, whole_end);
        return real;
    }

    void check_leading_zeros(std::size_t begin, std::size_t end) const {
        if (text_[begin] != '0') return;
        for (std::size_t i = begin; i < end; ++i) {
            if (text_[i] != '0' && text_[i] != '_') {
                fail(begin, end, "leading zeros in decimal integer literals are not permitted");
            }
        }
    }

    void prefixed_number(std::size_t begin, char marker) {
        position_ += 2;
        const unsigned base = marker == 'x' ? 16 : marker == 'o' ? 8 : 2;
        const auto is_digit = [&](char c) {
            return base == 16 ? is_hex_digit(c) : c >= '0' && c < static_cast<char>('0' + static_cast<char>(base));
        };
        std::string digits;
        while (is_digit(here()) || (here() == '_' && is_digit(at(position_ + 1)))) {
            if (here() != '_') digits += here();
            ++position_;
        }
        if (digits.empty() || here() == '_' || is_ascii_digit(here())) fail(begin, position_ + 1, "invalid number");
        check_end_of_number(begin);
        set_integer(push(TokenKind::number, begin), digits, base);
    }

    /// `1if` is allowed, with a keyword that may follow an operand; `1x` is not.
    void check_end_of_number(std::size_t begin) const {
        if (position_ >= text_.size() || !starts_name()) return;
        constexpr std::array followers{std::string_view("and"), std::string_view("else"), std::string_view("for"),
                                       std::string_view("if"),  std::string_view("in"),   std::string_view("is"),
                                       std::string_view("or"),  std::string_view("not")};
        const std::string_view rest = text_.substr(position_);
        const bool follows = std::any_of(followers.begin(), followers.end(), [&](std::string_view keyword) {
            return rest.substr(0, keyword.size()) == keyword;
        });
        if (!follows) fail(begin, position_ + 1, "invalid number: a letter follows it");
    }

    static void set_integer(Token& token, std::string_view digits, unsigned base) {
        const std::optional<std::int64_t> value = to_integer(digits, base);
        token.oversized = !value;
        token.number = Value(value.value_or(0));
    }

    // Texts ---------------------------------------------------------------------------------------------------------

    void string(std::size_t begin) {
        bool raw = false, bytes = false, formatted = false;
        for (std::size_t i = begin; i < position_; ++i) {
            raw |= ascii_lower(text_[i]) == 'r';
            bytes |= ascii_lower(text_[i]) == 'b';
            formatted |= ascii_lower(text_[i]) == 'f';
        }
        const char quote = here();
        const bool triple = at(position_ + 1) == quote && at(position_ + 2) == quote;
        position_ += triple ? 3 : 1;
        const std::size_t inside = position_;
        find_closing_quote(begin, quote, triple);
        const std::string_view body = text_.substr(inside, position_ - inside);
        position_ += triple ? 3 : 1;
        Token& token = push(bytes ? TokenKind::bytes : formatted ? TokenKind::formatted_text : TokenKind::text, begin);
        token.braces = body.find_first_of("{}") != std::string_view::npos;
        token.text = raw ? with_plain_line_breaks(body) : unescape(body, inside, bytes);
    }

    void find_closing_quote(std::size_t begin, char quote, bool triple) {
        for (;; ++position_) {
            if (position_ >= text_.size()) {
                fail(begin, text_.size(),
                     triple ? "unterminated triple-quoted text" : "this text has no closing quote");
            }
            if (here() == '\\' && position_ + 1 < text_.size()) {
                position_ += line_break_at(position_ + 1) == 2 ? 2U : 1U;
                continue;
            }
            if (!triple && line_break_at(position_) != 0) fail(begin, position_, "this text has no closing quote");
            if (here() == quote && (!triple || (at(position_ + 1) == quote && at(position_ + 2) == quote))) return;
        }
    }

    static std::string with_plain_line_breaks(std::string_view body) {
        std::string out;
        for (std::size_t i = 0; i < body.size(); ++i) {
            if (body[i] == '\r') {
                out += '\n';
                if (i + 1 < body.size() && body[i + 1] == '\n') ++i;
            } else {
                out += body[i];
            }
        }
        return out;
    }

    std::string unescape(std::string_view raw_body, std::size_t offset, bool bytes) const {
        const std::string body = with_plain_line_breaks(raw_body);
        std::string out;
        for (std::size_t i = 0; i < body.size();) {
            if (body[i] != '\\') {
                out += body[i++];
                continue;
            }
            const char c = body[i + 1];  // the closing quote search guarantees one
            i += 2;
            constexpr std::string_view plain = "\\'\"abfnrtv", meaning = "\\'\"\a\b\f\n\r\t\v";
            if (c == '\n') continue;
            if (const std::size_t known = plain.find(c); known != std::string_view::npos) {
                out += meaning[known];
            } else if (c >= '0' && c <= '7') {
                char32_t code = 0;
                --i;
                for (unsigned n = 0; n < 3 && i < body.size() && body[i] >= '0' && body[i] <= '7'; ++n, ++i) {
                    code = code * 8 + static_cast<char32_t>(body[i] - '0');
                }
                append_character(out, code);
            } else if (c == 'x' || ((c == 'u' || c == 'U') && !bytes)) {
                append_character(out, hex_escape(body, i, c == 'x' ? 2 : c == 'u' ? 4 : 8, offset));
            } else if (c == 'N' && !bytes) {
                fail(offset, offset + body.size(), "\\N{…} is not available in rules: write the character itself");
            } else {
                out += '\\';
                out += c;
            }
        }
        return out;
    }

    char32_t hex_escape(std::string_view body, std::size_t& i, unsigned length, std::size_t offset) const {
        char32_t code = 0;
        for (unsigned n = 0; n < length; ++n, ++i) {
            if (i >= body.size() || !is_hex_digit(body[i])) {
                fail(offset, offset + body.size(),
                     fmt::format("this escape sequence needs {} hexadecimal digits", length));
            }
            const char digit = ascii_lower(body[i]);
            code = code * 16 + static_cast<char32_t>(is_ascii_digit(digit) ? digit - '0' : digit - 'a' + 10);
        }
        if (code > 0x10FFFF) fail(offset, offset + body.size(), "there is no character with this number");
        return code;
    }

    std::string_view text_;
    const ExpressionLimits& limits_;
    std::size_t position_ = 0;
    bool at_line_start_ = true;
    std::vector<std::size_t> brackets_;
    std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view text, const ExpressionLimits& limits) {
    return Lexer(text, limits).run();
}

}  // namespace quicksilver::rules
