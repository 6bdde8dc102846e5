#include "methods.hpp"

#include <algorithm>

namespace quicksilver::rules {

namespace {

using Characters = std::u32string;

Characters characters_of(Value self) {
    return to_characters(self.text().bytes);
}

template <bool (*property)(char32_t)>
Value all_have(Machine& m, Value self, Arguments& a) {
    ArgumentReader(m, "this method", a).count(0, 0).no_names();
    const Characters text = characters_of(self);
    return Value(!text.empty() && std::all_of(text.begin(), text.end(), property));
}

bool is_alphanumeric(char32_t c) {
    return unicode::is_alpha(c) || unicode::is_decimal(c) || unicode::is_digit(c) || unicode::is_numeric(c);
}

Value is_ascii(Machine& m, Value self, Arguments& a) {
    ArgumentReader(m, "isascii", a).count(0, 0).no_names();
    return Value(self.text().ascii());
}

Value is_printable(Machine& m, Value self, Arguments& a) {
    ArgumentReader(m, "isprintable", a).count(0, 0).no_names();
    const Characters text = characters_of(self);
    return Value(std::all_of(text.begin(), text.end(), unicode::is_printable));
}

Value is_identifier(Machine& m, Value self, Arguments& a) {
    ArgumentReader(m, "isidentifier", a).count(0, 0).no_names();
    const Characters text = characters_of(self);
    return Value(!text.empty() && unicode::is_name_start(text[0]) &&
                 std::all_of(text.begin() + 1, text.end(), unicode::is_name_part));
}

/// At least one cased letter, and none of the other case.
template <bool (*wanted)(char32_t), bool (*unwanted)(char32_t)>
Value has_case(Machine& m, Value self, Arguments& a) {
    ArgumentReader(m, "this method", a).count(0, 0).no_names();
    bool found = false;
    for (const char32_t c : characters_of(self)) {
        if (unwanted(c) || unicode::is_title(c)) return Value(false);
        found |= wanted(c);
    }
    return Value(found);
}

Value is_title(Machine& m, Value self, Arguments& a) {
    ArgumentReader(m, "istitle", a).count(0, 0).no_names();
    bool found = false, inside = false;
    for (const char32_t c : characters_of(self)) {
        if (unicode::is_upper(c) || unicode::is_title(c)) {
            if (inside) return Value(false);
            inside = found = true;
        } else if (unicode::is_lower(c)) {
            if (!inside) return Value(false);
            found = true;
        } else {
            inside = false;
        }
    }
    return Value(found);
}

}  // namespace

Value do_isalnum(Machine& m, Value self, Arguments& a) {
    return all_have<is_alphanumeric>(m, self, a);
}
Value do_isalpha(Machine& m, Value self, Arguments& a) {
    return all_have<unicode::is_alpha>(m, self, a);
}
Value do_isascii(Machine& m, Value self, Arguments& a) {
    return is_ascii(m, self, a);
}
Value do_isdecimal(Machine& m, Value self, Arguments& a) {
    return all_have<unicode::is_decimal>(m, self, a);
}
Value do_isdigit(Machine& m, Value self, Arguments& a) {
    return all_have<unicode::is_digit>(m, self, a);
}
Value do_isidentifier(Machine& m, Value self, Arguments& a) {
    return is_identifier(m, self, a);
}
Value do_islower(Machine& m, Value self, Arguments& a) {
    return has_case<unicode::is_lower, unicode::is_upper>(m, self, a);
}
Value do_isnumeric(Machine& m, Value self, Arguments& a) {
    return all_have<unicode::is_numeric>(m, self, a);
}
Value do_isprintable(Machine& m, Value self, Arguments& a) {
    return is_printable(m, self, a);
}
Value do_isspace(Machine& m, Value self, Arguments& a) {
    return all_have<unicode::is_space>(m, self, a);
}
Value do_istitle(Machine& m, Value self, Arguments& a) {
    return is_title(m, self, a);
}
Value do_isupper(Machine& m, Value self, Arguments& a) {
    return has_case<unicode::is_upper, unicode::is_lower>(m, self, a);
}

}  // namespace quicksilver::rules
