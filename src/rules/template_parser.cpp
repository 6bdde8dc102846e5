#include "template_program.hpp"
#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace quicksilver::rules {

namespace {

constexpr std::string_view blanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

enum class PieceKind { text, output, statement };

/// The template cut at its marks; comments are gone, `-` marks have eaten their blanks.
struct Piece {
    PieceKind kind;
    std::string text;
    unsigned line;
};

class Cutter {
public:
    explicit Cutter(std::string_view text) : text_(text) {}

    std::vector<Piece> run() {
        // Jinja drops one line break at the end.
        if (text_.ends_with("\r\n"))
            text_.remove_suffix(2);
        else if (text_.ends_with('\n'))
            text_.remove_suffix(1);
        while (position_ < text_.size()) {
            const std::size_t mark = next_mark();
            add_text(text_.substr(position_, mark - position_));
            position_ = mark;
            if (mark < text_.size()) take_mark();
        }
        return std::move(pieces_);
    }

private:
    std::size_t next_mark() const {
        for (std::size_t i = position_; i + 1 < text_.size(); ++i) {
            if (text_[i] == '{' && (text_[i + 1] == '{' || text_[i + 1] == '%' || text_[i + 1] == '#')) return i;
        }
        return text_.size();
    }

    unsigned line_at(std::size_t position) const {
        return 1 + static_cast<unsigned>(
                       std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(position), '\n'));
    }

    void add_text(std::string_view text) {
        if (eat_blanks_) {
            const std::size_t begin = std::min(text.find_first_not_of(blanks), text.size());
            text.remove_prefix(begin);
            eat_blanks_ = text.empty();
        }
        if (!text.empty()) pieces_.push_back({PieceKind::text, std::string(text), line_at(position_)});
    }

    void eat_blanks_before() {
        if (pieces_.empty() || pieces_.back().kind != PieceKind::text) return;
        std::string& text = pieces_.back().text;
        text.erase(text.find_last_not_of(blanks) + 1);
        if (text.empty()) pieces_.pop_back();
    }

    void take_mark() {
        const char kind = text_[position_ + 1];
        const std::size_t begin = position_;
        const std::size_t end = kind == '#' ? text_.find("#}", position_ + 2) : closing(kind == '{' ? '}' : '%');
        if (end == std::string_view::npos) {
            throw TemplateFailure{fmt::format("'{}' is not closed", text_.substr(begin, 2)), line_at(begin)};
        }
        std::string_view inside = text_.substr(begin + 2, end - begin - 2);
        position_ = end + 2;
        eat_blanks_ = false;
        if (!inside.empty() && (inside.front() == '-' || inside.front() == '+')) {
            if (inside.front() == '-') eat_blanks_before();
            inside.remove_prefix(1);
        }
        if (!inside.empty() && (inside.back() == '-' || inside.back() == '+')) {
            eat_blanks_ = inside.back() == '-';
            inside.remove_suffix(1);
        }
        if (kind == '#') return;
        if (kind == '%' && trimmed(inside) == "raw") return take_raw(begin);
        pieces_.push_back(
            {kind == '{' ? PieceKind::output : PieceKind::statement, std::string(trimmed(inside)), line_at(begin)});
    }

    /// `}}` or `%}` outside of texts and brackets.
    std::size_t closing(char mark) const {
        unsigned depth = 0;
        char quote = '\0';
        for (std::size_t i = position_ + 2; i < text_.size(); ++i) {
            const char c = text_[i];
            if (quote != '\0') {
                if (c == '\\')
                    ++i;
                else if (c == quote)
                    quote = '\0';
            } else if (c == '"' || c == '\'') {
                quote = c;
            } else if (depth == 0 && c == mark && i + 1 < text_.size() && text_[i + 1] == '}') {
                return i;
            } else if (c == '(' || c == '[' || c == '{') {
                ++depth;
            } else if ((c == ')' || c == ']' || c == '}') && depth > 0) {
                --depth;
            }
        }
        return std::string_view::npos;
    }

    void take_raw(std::size_t begin) {
        for (std::size_t at = text_.find("{%", position_); at != std::string_view::npos;
             at = text_.find("{%", at + 2)) {
            const std::size_t end = text_.find("%}", at);
            if (end == std::string_view::npos) break;
            if (trimmed(text_.substr(at + 2, end - at - 2)) != "endraw") continue;
            add_text(text_.substr(position_, at - position_));
            position_ = end + 2;
            return;
        }
        throw TemplateFailure{"'raw' without 'endraw'", line_at(begin)};
    }

    std::string_view text_;
    std::size_t position_ = 0;
    bool eat_blanks_ = false;
    std::vector<Piece> pieces_;
};

class ProgramParser {
public:
    ProgramParser(std::vector<Piece> pieces, const TemplateLimits& limits)
        : pieces_(std::move(pieces)), limits_(limits) {}

    std::vector<Block> run() {
        std::vector<Block> blocks = sequence();
        if (position_ < pieces_.size()) fail(fmt::format("'{}' without its beginning", word()));
        return blocks;
    }

private:
    const Piece& piece() const { return pieces_[position_]; }
    [[noreturn]] void fail(std::string message) const {
        const unsigned line = pieces_.empty() ? 1 : pieces_[std::min(position_, pieces_.size() - 1)].line;
        throw TemplateFailure{to_utf8(message), line};
    }

    std::string_view word() const {
        const std::string_view text = piece().text;
        return text.substr(0, text.find_first_of(" \t\r\n(\"'"));
    }
    std::string_view rest() const { return trimmed(std::string_view(piece().text).substr(word().size())); }

    Tree expression(std::string_view text) const {
        if (trimmed(text).empty()) fail("an expression is missing");
        try {
            Tree tree = parse_template_expression(text, ExpressionLimits());
            if (tree.statements.size() != 1) fail("one expression is expected");
            return tree;
        } catch (const SyntaxFailure& failure) {
            fail(failure.message);
        }
    }

    Block block(BlockKind kind) const {
        Block block;
        block.kind = kind;
        block.line = piece().line;
        return block;
    }

    /// Until a word that ends the block around it.
    std::vector<Block> sequence() {
        if (++depth_ > limits_.nesting)
            fail(fmt::format("limit_nesting: more than {} blocks inside each other", limits_.nesting));
        std::vector<Block> blocks;
        while (position_ < pieces_.size()) {
            if (piece().kind == PieceKind::text) {
                blocks.push_back(block(BlockKind::text));
                blocks.back().text = piece().text;
                ++position_;
            } else if (piece().kind == PieceKind::output) {
                blocks.push_back(output());
            } else if (ends_block()) {
                break;
            } else {
                blocks.push_back(statement());
            }
        }
        --depth_;
        return blocks;
    }

    bool ends_block() const {
        constexpr std::array enders{std::string_view("elif"), std::string_view("else"), std::string_view("endif"),
                                    std::string_view("endfor")};
        return std::find(enders.begin(), enders.end(), word()) != enders.end();
    }

    Block output() {
        Block out = block(BlockKind::output);
        out.expression = expression(piece().text);
        ++position_;
        const Tree& tree = out.expression;
        const Node& root = tree.node(tree.child(tree.node(tree.statements[0]), 0));
        if (root.kind == NodeKind::filter) {
            const std::string& name = tree.names[root.payload].text;
            out.already_escaped = name == "safe" || name == "e" || name == "escape" || name == "tojson";
        }
        return out;
    }

    Block statement() {
        if (word() == "if") return condition();
        if (word() == "for") return loop();
        if (word() == "set") return assignment();
        fail(fmt::format("'{}' is not available in templates", word()));
    }

    Block condition() {
        Block branch = block(BlockKind::condition);
        branch.expression = expression(rest());
        ++position_;
        branch.inside = sequence();
        if (position_ >= pieces_.size()) fail("'if' without 'endif'");
        if (word() == "elif") {
            if (++depth_ > limits_.nesting) fail(fmt::format("limit_nesting: more than {} branches", limits_.nesting));
            branch.otherwise.push_back(condition());
            --depth_;
            return branch;
        }
        if (word() == "else") {
            ++position_;
            branch.otherwise = sequence();
        }
        end("endif");
        return branch;
    }

    Block loop() {
        Block repeated = block(BlockKind::loop);
        const std::string_view header = rest();
        const std::size_t in = header.find(" in ");
        if (in == std::string_view::npos) fail("a loop is written {% for name in values %}");
        repeated.names = names(header.substr(0, in));
        repeated.expression = expression(header.substr(in + 4));
        ++position_;
        repeated.inside = sequence();
        if (position_ < pieces_.size() && word() == "else") {
            ++position_;
            repeated.otherwise = sequence();
        }
        end("endfor");
        return repeated;
    }

    Block assignment() {
        Block assigned = block(BlockKind::set);
        const std::string_view text = rest();
        const std::size_t equals = text.find('=');
        if (equals == std::string_view::npos) fail("an assignment is written {% set name = value %}");
        assigned.names = names(text.substr(0, equals));
        if (assigned.names.size() != 1) fail("one name can be set at a time");
        assigned.expression = expression(text.substr(equals + 1));
        ++position_;
        return assigned;
    }

    std::vector<std::string> names(std::string_view text) const {
        std::vector<std::string> out;
        for (std::size_t at = 0; at <= text.size();) {
            const std::size_t comma = std::min(text.find(',', at), text.size());
            const std::string_view name = trimmed(text.substr(at, comma - at));
            const std::u32string characters = to_characters(name);
            const bool valid = !characters.empty() && unicode::is_name_start(characters[0]) &&
                               std::all_of(characters.begin(), characters.end(), unicode::is_name_part);
            if (!valid) fail(fmt::format("'{}' is no name", name));
            out.emplace_back(name);
            at = comma + 1;
        }
        return out;
    }

    void end(std::string_view wanted) {
        if (position_ >= pieces_.size()) fail(fmt::format("'{}' is missing", wanted));
        if (word() != wanted) fail(fmt::format("'{}' is expected instead of '{}'", wanted, word()));
        ++position_;
    }

    std::vector<Piece> pieces_;
    const TemplateLimits& limits_;
    std::size_t position_ = 0;
    std::size_t depth_ = 0;
};

}  // namespace

Template::Program parse_program(std::string_view text, const TemplateLimits& limits) {
    return {limits, ProgramParser(Cutter(text).run(), limits).run()};
}

}  // namespace quicksilver::rules
