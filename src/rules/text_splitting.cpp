#include "methods.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace quicksilver::rules {

namespace {

using Characters = std::u32string;

Value piece(Machine& m, std::u32string_view characters) {
    m.step();
    return m.make_text(to_text(characters), characters.size());
}

/// At blanks, from the left.
std::vector<Value> split_at_blanks(Machine& m, std::u32string_view text, std::uint64_t splits) {
    std::vector<Value> out;
    std::size_t i = 0;
    const auto skip = [&](bool blanks) {
        while (i < text.size() && unicode::is_space(text[i]) == blanks) ++i;
    };
    for (;;) {
        skip(true);
        if (i == text.size()) return out;
        if (splits-- == 0) break;
        const std::size_t begin = i;
        skip(false);
        out.push_back(piece(m, text.substr(begin, i - begin)));
    }
    out.push_back(piece(m, text.substr(i)));
    return out;
}

/// At blanks, from the right.
std::vector<Value> split_at_blanks_right(Machine& m, std::u32string_view text, std::uint64_t splits) {
    std::vector<Value> out;
    std::size_t end = text.size();
    const auto skip = [&](bool blanks) {
        while (end > 0 && unicode::is_space(text[end - 1]) == blanks) --end;
    };
    for (;;) {
        skip(true);
        if (end == 0) break;
        if (splits-- == 0) {
            out.push_back(piece(m, text.substr(0, end)));
            break;
        }
        const std::size_t last = end;
        skip(false);
        out.push_back(piece(m, text.substr(end, last - end)));
    }
    std::reverse(out.begin(), out.end());
    return out;
}

std::vector<Value> split_at(Machine& m, std::u32string_view text, const Characters& separator, std::uint64_t splits,
                            bool right) {
    std::vector<Value> out;
    while (splits-- > 0) {
        const std::size_t found = right ? text.rfind(separator) : text.find(separator);
        if (found == std::u32string_view::npos) break;
        if (right) {
            out.push_back(piece(m, text.substr(found + separator.size())));
            text = text.substr(0, found);
        } else {
            out.push_back(piece(m, text.substr(0, found)));
            text = text.substr(found + separator.size());
        }
    }
    out.push_back(piece(m, text));
    if (right) std::reverse(out.begin(), out.end());
    return out;
}

Value split(Machine& m, Value self, Arguments& a, bool right) {
    ArgumentReader arguments(m, right ? "rsplit" : "split", a);
    arguments.count(0, 2);
    const Value separator = arguments.at_or_named(0, "sep", Value());
    const std::int64_t limit = index_of(m, arguments.at_or_named(1, "maxsplit", Value(std::int64_t{-1})));
    arguments.finish();
    const std::uint64_t splits =
        limit < 0 ? std::numeric_limits<std::uint64_t>::max() : static_cast<std::uint64_t>(limit);
    const Characters text = to_characters(self.text().bytes);
    if (separator.is_none()) {
        return m.make_list(right ? split_at_blanks_right(m, text, splits) : split_at_blanks(m, text, splits));
    }
    const Characters part = to_characters(need_text(m, separator, "split").bytes);
    if (part.empty()) m.value_error("empty separator");
    m.step_search(text.size(), part.size());
    return m.make_list(split_at(m, text, part, splits, right));
}

bool is_line_break(char32_t c) {
    return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

Value partition(Machine& m, Value self, Arguments& a, bool right) {
    ArgumentReader arguments(m, right ? "rpartition" : "partition", a);
    arguments.count(1, 1).no_names();
    const std::string& separator = need_text(m, arguments[0], "partition").bytes;
    if (separator.empty()) m.value_error("empty separator");
    const std::string& text = self.text().bytes;
    m.step_search(text.size(), separator.size());
    const std::size_t found = right ? text.rfind(separator) : text.find(separator);
    const Value empty = m.make_text("", 0);
    if (found == std::string::npos) {
        return right ? m.make_tuple({empty, empty, self}) : m.make_tuple({self, empty, empty});
    }
    return m.make_tuple(
        {m.make_text(text.substr(0, found)), arguments[0], m.make_text(text.substr(found + separator.size()))});
}

}  // namespace

Value do_split(Machine& m, Value self, Arguments& a) {
    return split(m, self, a, false);
}
Value do_rsplit(Machine& m, Value self, Arguments& a) {
    return split(m, self, a, true);
}
Value do_partition(Machine& m, Value self, Arguments& a) {
    return partition(m, self, a, false);
}
Value do_rpartition(Machine& m, Value self, Arguments& a) {
    return partition(m, self, a, true);
}

Value do_splitlines(Machine& m, Value self, Arguments& a) {
    ArgumentReader arguments(m, "splitlines", a);
    arguments.count(0, 1);
    const bool keep_ends = truth(m, arguments.at_or_named(0, "keepends", Value(false)));
    arguments.finish();
    const Characters text = to_characters(self.text().bytes);
    std::vector<Value> lines;
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t begin = i;
        while (i < text.size() && !is_line_break(text[i])) ++i;
        std::size_t end = i;
        if (i < text.size()) i += text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n' ? 2U : 1U;
        if (keep_ends) end = i;
        lines.push_back(piece(m, std::u32string_view(text).substr(begin, end - begin)));
    }
    return m.make_list(std::move(lines));
}

Value do_join(Machine& m, Value self, Arguments& a) {
    ArgumentReader arguments(m, "join", a);
    arguments.count(1, 1).no_names();
    std::string out;
    bool first = true;
    for (const Value item : elements_of(m, arguments[0])) {
        if (!first) out += self.text().bytes;
        first = false;
        out += need_text(m, item, "every element of join()").bytes;
        if (out.size() > m.limits().string_length * 4) {
            m.fail("limit_string", fmt::format("a text has at most {} characters", m.limits().string_length));
        }
    }
    return m.make_text(std::move(out));
}

}  // namespace quicksilver::rules
