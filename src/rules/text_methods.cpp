#include "methods.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

namespace quicksilver::rules {

namespace {

using Characters = std::u32string;

Characters characters_of(Value self) {
    return to_characters(self.text().bytes);
}
Value text_of(Machine& m, const Characters& characters) {
    return m.make_text(to_text(characters), characters.size());
}
Value integer(std::size_t value) {
    return Value(static_cast<std::int64_t>(value));
}

Value no_arguments(Machine& m, Value self, Arguments& a, std::string_view name,
                   Characters (*change)(const Characters&)) {
    ArgumentReader(m, name, a).count(0, 0).no_names();
    return text_of(m, change(characters_of(self)));
}

// Case ---------------------------------------------------------------------------------------------------------------

/// Σ is final where a cased letter stands before it and none behind, other marks aside.
bool is_final_sigma(const Characters& text, std::size_t at) {
    std::size_t i = at;
    while (i > 0 && unicode::is_case_ignorable(text[i - 1])) --i;
    if (i == 0 || !unicode::is_cased(text[i - 1])) return false;
    i = at + 1;
    while (i < text.size() && unicode::is_case_ignorable(text[i])) ++i;
    return i == text.size() || !unicode::is_cased(text[i]);
}

void append_lower(Characters& out, const Characters& text, std::size_t i) {
    if (text[i] == 0x3A3) {
        out += is_final_sigma(text, i) ? char32_t{0x3C2} : char32_t{0x3C3};
    } else {
        unicode::append_mapped(out, text[i], unicode::Mapping::lower);
    }
}

}  // namespace

std::u32string lower_case(const std::u32string& text) {
    Characters out;
    for (std::size_t i = 0; i < text.size(); ++i) append_lower(out, text, i);
    return out;
}

namespace {

Characters mapped(const Characters& text, unicode::Mapping mapping) {
    Characters out;
    for (const char32_t c : text) unicode::append_mapped(out, c, mapping);
    return out;
}

Characters capitalize(const Characters& text) {
    Characters out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (i == 0)
            unicode::append_mapped(out, text[0], unicode::Mapping::title);
        else
            append_lower(out, text, i);
    }
    return out;
}

Characters title(const Characters& text) {
    Characters out;
    bool inside = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (inside)
            append_lower(out, text, i);
        else
            unicode::append_mapped(out, text[i], unicode::Mapping::title);
        inside = unicode::is_cased(text[i]);
    }
    return out;
}

Characters swapcase(const Characters& text) {
    Characters out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (unicode::is_upper(text[i]))
            append_lower(out, text, i);
        else if (unicode::is_lower(text[i]))
            unicode::append_mapped(out, text[i], unicode::Mapping::upper);
        else
            out += text[i];
    }
    return out;
}

Value do_lower(Machine& m, Value s, Arguments& a) {
    return no_arguments(m, s, a, "lower", lower_case);
}
Value do_upper(Machine& m, Value s, Arguments& a) {
    return no_arguments(m, s, a, "upper", [](const Characters& t) { return mapped(t, unicode::Mapping::upper); });
}
Value do_casefold(Machine& m, Value s, Arguments& a) {
    return no_arguments(m, s, a, "casefold", [](const Characters& t) { return mapped(t, unicode::Mapping::fold); });
}
Value do_capitalize(Machine& m, Value s, Arguments& a) {
    return no_arguments(m, s, a, "capitalize", capitalize);
}
Value do_title(Machine& m, Value s, Arguments& a) {
    return no_arguments(m, s, a, "title", title);
}
Value do_swapcase(Machine& m, Value s, Arguments& a) {
    return no_arguments(m, s, a, "swapcase", swapcase);
}

// Searching ----------------------------------------------------------------------------------------------------------

struct Window {
    std::size_t begin, end;
    bool valid;  // false: start lies behind the end, where not even "" is found
};

/// The optional start and end arguments at `first`.
Window window_of(Machine& m, ArgumentReader& arguments, std::size_t first, std::size_t size) {
    const auto length = static_cast<std::int64_t>(size);
    const auto position = [&](std::size_t at, std::int64_t absent) {
        if (!arguments.has(at) || arguments[at].is_none()) return absent;
        if (!arguments[at].is_integral()) m.type_error("slice indices must be integers or None");
        const std::int64_t value = arguments[at].integer();
        return value < 0 ? std::max<std::int64_t>(value + length, 0) : value;
    };
    const std::int64_t begin = position(first, 0);
    const std::int64_t end = std::min(position(first + 1, length), length);
    if (begin > end) return {0, 0, false};
    return {static_cast<std::size_t>(begin), static_cast<std::size_t>(end), true};
}

std::optional<std::size_t> search(Machine& m, Value self, Arguments& a, std::string_view name, bool last) {
    ArgumentReader arguments(m, name, a);
    arguments.count(1, 3).no_names();
    const Characters part = to_characters(need_text(m, arguments[0], name).bytes);
    const Characters text = characters_of(self);
    const Window window = window_of(m, arguments, 1, text.size());
    if (!window.valid) return std::nullopt;
    m.step_search(text.size(), part.size());
    const std::u32string_view inside = std::u32string_view(text).substr(window.begin, window.end - window.begin);
    const std::size_t found = last ? inside.rfind(part) : inside.find(part);
    if (found == std::u32string_view::npos) return std::nullopt;
    return window.begin + found;
}

Value do_find(Machine& m, Value s, Arguments& a) {
    const auto found = search(m, s, a, "find", false);
    return found ? integer(*found) : Value(std::int64_t{-1});
}
Value do_rfind(Machine& m, Value s, Arguments& a) {
    const auto found = search(m, s, a, "rfind", true);
    return found ? integer(*found) : Value(std::int64_t{-1});
}
Value do_index(Machine& m, Value s, Arguments& a) {
    const auto found = search(m, s, a, "index", false);
    if (!found) m.value_error("substring not found");
    return integer(*found);
}
Value do_rindex(Machine& m, Value s, Arguments& a) {
    const auto found = search(m, s, a, "rindex", true);
    if (!found) m.value_error("substring not found");
    return integer(*found);
}

Value do_count(Machine& m, Value self, Arguments& a) {
    ArgumentReader arguments(m, "count", a);
    arguments.count(1, 3).no_names();
    const Characters part = to_characters(need_text(m, arguments[0], "count").bytes);
    const Characters text = characters_of(self);
    const Window window = window_of(m, arguments, 1, text.size());
    if (!window.valid) return integer(0);
    if (part.empty()) return integer(window.end - window.begin + 1);
    m.step_search(text.size(), part.size());
    std::size_t count = 0;
    for (std::size_t at = text.find(part, window.begin); at != Characters::npos && at + part.size() <= window.end;
         at = text.find(part, at + part.size())) {
        ++count;
    }
    return integer(count);
}

Value starts_or_ends(Machine& m, Value self, Arguments& a, bool ends) {
    const std::string_view name = ends ? "endswith" : "startswith";
    ArgumentReader arguments(m, name, a);
    arguments.count(1, 3).no_names();
    std::vector<Value> parts{arguments[0]};
    if (arguments[0].is(Kind::tuple)) parts = arguments[0].tuple().items;
    const Characters text = characters_of(self);
    const Window window = window_of(m, arguments, 1, text.size());
    const std::u32string_view inside = std::u32string_view(text).substr(window.begin, window.end - window.begin);
    for (const Value part : parts) {
        const Characters wanted = to_characters(need_text(m, part, name).bytes);
        if (!window.valid || wanted.size() > inside.size()) continue;
        const std::size_t at = ends ? inside.size() - wanted.size() : 0;
        if (inside.substr(at, wanted.size()) == wanted) return Value(true);
    }
    return Value(false);
}
Value do_startswith(Machine& m, Value s, Arguments& a) {
    return starts_or_ends(m, s, a, false);
}
Value do_endswith(Machine& m, Value s, Arguments& a) {
    return starts_or_ends(m, s, a, true);
}

// Changing -----------------------------------------------------------------------------------------------------------

Value strip(Machine& m, Value self, Arguments& a, std::string_view name, bool left, bool right) {
    ArgumentReader arguments(m, name, a);
    arguments.count(0, 1).no_names();
    const bool blanks = !arguments.has(0) || arguments[0].is_none();
    const Characters set = blanks ? Characters() : to_characters(need_text(m, arguments[0], name).bytes);
    const Characters text = characters_of(self);
    const auto removable = [&](char32_t c) { return blanks ? unicode::is_space(c) : set.find(c) != Characters::npos; };
    std::size_t begin = 0, end = text.size();
    while (left && begin < end && removable(text[begin])) ++begin;
    while (right && end > begin && removable(text[end - 1])) --end;
    m.step((text.size() * (set.size() + 1)) / 16);
    if (begin == 0 && end == text.size()) return self;
    return text_of(m, text.substr(begin, end - begin));
}
Value do_strip(Machine& m, Value s, Arguments& a) {
    return strip(m, s, a, "strip", true, true);
}
Value do_lstrip(Machine& m, Value s, Arguments& a) {
    return strip(m, s, a, "lstrip", true, false);
}
Value do_rstrip(Machine& m, Value s, Arguments& a) {
    return strip(m, s, a, "rstrip", false, true);
}

Value do_replace(Machine& m, Value self, Arguments& a) {
    ArgumentReader arguments(m, "replace", a);
    arguments.count(2, 3).no_names();
    const Characters from = to_characters(need_text(m, arguments[0], "replace").bytes);
    const Characters to = to_characters(need_text(m, arguments[1], "replace").bytes);
    const std::int64_t limit = arguments.has(2) ? index_of(m, arguments[2]) : -1;
    std::uint64_t left = limit < 0 ? std::numeric_limits<std::uint64_t>::max() : static_cast<std::uint64_t>(limit);
    const Characters text = characters_of(self);
    Characters out;
    std::size_t at = 0;
    const auto put = [&](std::u32string_view part) {
        out += part;
        if (out.size() > m.limits().string_length) {
            m.fail("limit_string", fmt::format("a text has at most {} characters", m.limits().string_length));
        }
    };
    m.step_search(text.size(), from.size());
    for (; left > 0; --left) {
        const std::size_t found = text.find(from, at);
        if (found == Characters::npos) break;
        put(std::u32string_view(text).substr(at, found - at));
        put(to);
        at = found + from.size();
        if (from.empty()) {
            if (found == text.size()) return text_of(m, out);
            out += text[found];
            at = found + 1;
        }
    }
    put(std::u32string_view(text).substr(at));
    return text_of(m, out);
}

Value remove_affix(Machine& m, Value self, Arguments& a, bool suffix) {
    ArgumentReader arguments(m, suffix ? "removesuffix" : "removeprefix", a);
    arguments.count(1, 1).no_names();
    const std::string& part = need_text(m, arguments[0], "removeprefix").bytes;
    const std::string& text = self.text().bytes;
    if (part.empty() || part.size() > text.size()) return self;
    const std::size_t at = suffix ? text.size() - part.size() : 0;
    if (text.compare(at, part.size(), part) != 0) return self;
    return m.make_text(suffix ? text.substr(0, at) : text.substr(part.size()));
}
Value do_removeprefix(Machine& m, Value s, Arguments& a) {
    return remove_affix(m, s, a, false);
}
Value do_removesuffix(Machine& m, Value s, Arguments& a) {
    return remove_affix(m, s, a, true);
}

Value pad(Machine& m, Value self, Arguments& a, std::string_view name, int side) {
    ArgumentReader arguments(m, name, a);
    arguments.count(1, 2).no_names();
    const std::int64_t width = index_of(m, arguments[0]);
    Characters fill = U" ";
    if (arguments.has(1)) fill = to_characters(need_text(m, arguments[1], name).bytes);
    if (fill.size() != 1) m.type_error("The fill character must be exactly one character long");
    if (width > static_cast<std::int64_t>(m.limits().string_length)) {
        m.fail("limit_string", fmt::format("a text has at most {} characters", m.limits().string_length));
    }
    const Characters text = characters_of(self);
    if (width <= static_cast<std::int64_t>(text.size())) return self;
    const std::size_t missing = static_cast<std::size_t>(width) - text.size();
    std::size_t left = side < 0 ? missing : 0;
    // CPython's rounding: the odd blank goes left when the width is odd.
    if (side == 0) left = missing / 2 + (missing & static_cast<std::size_t>(width) & 1);
    return text_of(m, Characters(left, fill[0]) + text + Characters(missing - left, fill[0]));
}
Value do_ljust(Machine& m, Value s, Arguments& a) {
    return pad(m, s, a, "ljust", 1);
}
Value do_rjust(Machine& m, Value s, Arguments& a) {
    return pad(m, s, a, "rjust", -1);
}
Value do_center(Machine& m, Value s, Arguments& a) {
    return pad(m, s, a, "center", 0);
}

Value do_zfill(Machine& m, Value self, Arguments& a) {
    ArgumentReader arguments(m, "zfill", a);
    arguments.count(1, 1).no_names();
    const std::int64_t width = index_of(m, arguments[0]);
    if (width > static_cast<std::int64_t>(m.limits().string_length)) {
        m.fail("limit_string", fmt::format("a text has at most {} characters", m.limits().string_length));
    }
    const Text& text = self.text();
    if (width <= static_cast<std::int64_t>(text.length)) return self;
    const std::size_t sign = !text.bytes.empty() && (text.bytes[0] == '+' || text.bytes[0] == '-') ? 1 : 0;
    const std::string zeros(static_cast<std::size_t>(width) - text.length, '0');
    return m.make_text(text.bytes.substr(0, sign) + zeros + text.bytes.substr(sign));
}

Value do_expandtabs(Machine& m, Value self, Arguments& a) {
    ArgumentReader arguments(m, "expandtabs", a);
    arguments.count(0, 1);
    const std::int64_t size = index_of(m, arguments.at_or_named(0, "tabsize", Value(std::int64_t{8})));
    arguments.finish();
    std::string out;
    std::int64_t column = 0;
    for (const char c : self.text().bytes) {
        if (c == '\t') {
            const std::int64_t blanks = size > 0 ? size - column % size : 0;
            if (blanks > static_cast<std::int64_t>(m.limits().string_length) ||
                out.size() > m.limits().string_length * 4) {
                m.fail("limit_string", fmt::format("a text has at most {} characters", m.limits().string_length));
            }
            out.append(static_cast<std::size_t>(blanks), ' ');
            column += blanks;
            continue;
        }
        out += c;
        if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) ++column;
        if (c == '\n' || c == '\r') column = 0;
    }
    return m.make_text(std::move(out));
}

Value do_translate(Machine& m, Value self, Arguments& a) {
    ArgumentReader arguments(m, "translate", a);
    arguments.count(1, 1).no_names();
    if (!arguments[0].is(Kind::dict)) m.type_error("translate() needs a dict");
    Characters out;
    for (const char32_t c : characters_of(self)) {
        m.step();
        const Table::Entry* entry = arguments[0].dict().table.find(m, integer(c));
        if (!entry) {
            out += c;
        } else if (entry->value.is(Kind::text)) {
            out += to_characters(entry->value.text().bytes);
        } else if (entry->value.is_integral()) {
            if (entry->value.integer() < 0 || entry->value.integer() > 0x10FFFF) {
                m.value_error("character mapping must be in range(0x110000)");
            }
            out += static_cast<char32_t>(entry->value.integer());
        } else if (!entry->value.is_none()) {
            m.type_error("character mapping must return integer, None or str");
        }
        if (out.size() > m.limits().string_length) m.fail("limit_string", "the translated text is too long");
    }
    return text_of(m, out);
}

Value do_encode(Machine& m, Value, Arguments&) {
    m.fail("unsupported", "bytes are not available in rules");
}

}  // namespace

std::span<const MethodEntry> text_methods() {
    static constexpr std::array methods{
        MethodEntry{"capitalize", do_capitalize},
        MethodEntry{"casefold", do_casefold},
        MethodEntry{"center", do_center},
        MethodEntry{"count", do_count},
        MethodEntry{"encode", do_encode},
        MethodEntry{"endswith", do_endswith},
        MethodEntry{"expandtabs", do_expandtabs},
        MethodEntry{"find", do_find},
        MethodEntry{"index", do_index},
        MethodEntry{"isalnum", do_isalnum},
        MethodEntry{"isalpha", do_isalpha},
        MethodEntry{"isascii", do_isascii},
        MethodEntry{"isdecimal", do_isdecimal},
        MethodEntry{"isdigit", do_isdigit},
        MethodEntry{"isidentifier", do_isidentifier},
        MethodEntry{"islower", do_islower},
        MethodEntry{"isnumeric", do_isnumeric},
        MethodEntry{"isprintable", do_isprintable},
        MethodEntry{"isspace", do_isspace},
        MethodEntry{"istitle", do_istitle},
        MethodEntry{"isupper", do_isupper},
        MethodEntry{"join", do_join},
        MethodEntry{"ljust", do_ljust},
        MethodEntry{"lower", do_lower},
        MethodEntry{"lstrip", do_lstrip},
        MethodEntry{"partition", do_partition},
        MethodEntry{"removeprefix", do_removeprefix},
        MethodEntry{"removesuffix", do_removesuffix},
        MethodEntry{"replace", do_replace},
        MethodEntry{"rfind", do_rfind},
        MethodEntry{"rindex", do_rindex},
        MethodEntry{"rjust", do_rjust},
        MethodEntry{"rpartition", do_rpartition},
        MethodEntry{"rsplit", do_rsplit},
        MethodEntry{"rstrip", do_rstrip},
        MethodEntry{"split", do_split},
        MethodEntry{"splitlines", do_splitlines},
        MethodEntry{"startswith", do_startswith},
        MethodEntry{"strip", do_strip},
        MethodEntry{"swapcase", do_swapcase},
        MethodEntry{"title", do_title},
        MethodEntry{"translate", do_translate},
        MethodEntry{"upper", do_upper},
        MethodEntry{"zfill", do_zfill},
    };
    return methods;
}

}  // namespace quicksilver::rules
