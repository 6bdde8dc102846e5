#include "quicksilver/rules/template.hpp"

#include "conversion.hpp"
#include "methods.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace quicksilver::rules {

namespace {

void count(Machine& m, const Arguments& a, std::size_t least, std::size_t most) {
    // The value itself is one.
    if (a.positional.size() < least + 1 || a.positional.size() > most + 1) {
        m.type_error(fmt::format("this filter takes {} to {} arguments", least, most));
    }
}

/// What `{{ value }}` prints.
std::string text_of(Machine& m, Value value) {
    return value.is(Kind::undefined) ? "" : to_str(m, value);
}

Value as_text(Machine& m, Arguments& a) {
    count(m, a, 0, 0);
    return m.make_text(text_of(m, a.positional[0]));
}

/// A filter that is a text method.
template <Value (*method)(Machine&, Value)>
Value by_method(Machine& m, Arguments& a) {
    count(m, a, 0, 0);
    return method(m, m.make_text(text_of(m, a.positional[0])));
}

Value call_method(Machine& m, Value text, std::string_view name) {
    Arguments none;
    return m.call(attribute(m, text, name), none);
}
Value lower(Machine& m, Value text) {
    return call_method(m, text, "lower");
}
Value upper(Machine& m, Value text) {
    return call_method(m, text, "upper");
}
Value title(Machine& m, Value text) {
    return call_method(m, text, "title");
}
Value capitalize(Machine& m, Value text) {
    return call_method(m, text, "capitalize");
}
Value trim(Machine& m, Value text) {
    return call_method(m, text, "strip");
}
Value html(Machine& m, Value text) {
    return m.make_text(escape_html(text.text().bytes));
}

Value do_length(Machine& m, Arguments& a) {
    count(m, a, 0, 0);
    return Value(length_of(m, a.positional[0]));
}

/// default(other), or default(other, true) for everything that is false.
Value do_default(Machine& m, Arguments& a) {
    count(m, a, 0, 2);
    const Value value = a.positional[0];
    const bool for_false = a.positional.size() > 2 && truth(m, a.positional[2]);
    if (!value.is(Kind::undefined) && !(for_false && !truth(m, value))) return value;
    return a.positional.size() > 1 ? a.positional[1] : m.make_text("", 0);
}

Value do_replace(Machine& m, Arguments& a) {
    count(m, a, 2, 3);
    Arguments rest;
    rest.positional.assign(a.positional.begin() + 1, a.positional.end());
    return m.call(attribute(m, m.make_text(text_of(m, a.positional[0])), "replace"), rest);
}

Value do_join(Machine& m, Arguments& a) {
    count(m, a, 0, 1);
    const std::string separator = a.positional.size() > 1 ? text_of(m, a.positional[1]) : "";
    std::string out;
    bool first = true;
    for (const Value item : elements_of(m, a.positional[0])) {
        if (!first) out += separator;
        first = false;
        out += text_of(m, item);
        m.charge(out.size() / 16);
    }
    return m.make_text(std::move(out));
}

Value do_list(Machine& m, Arguments& a) {
    count(m, a, 0, 0);
    return m.make_list(elements_of(m, a.positional[0]));
}

Value do_first(Machine& m, Arguments& a) {
    count(m, a, 0, 0);
    Value item = Value::of_kind(Kind::undefined);
    iterate(m, a.positional[0]).next(m, item);
    return item;
}

Value do_last(Machine& m, Arguments& a) {
    count(m, a, 0, 0);
    const std::vector<Value> items = elements_of(m, a.positional[0]);
    return items.empty() ? Value::of_kind(Kind::undefined) : items.back();
}

Value do_sort(Machine& m, Arguments& a) {
    count(m, a, 0, 1);
    return sorted_list(m, elements_of(m, a.positional[0]), Value(),
                       a.positional.size() > 1 && truth(m, a.positional[1]));
}

Value do_reverse(Machine& m, Arguments& a) {
    count(m, a, 0, 0);
    std::vector<Value> items = elements_of(m, a.positional[0]);
    std::reverse(items.begin(), items.end());
    return m.make_list(std::move(items));
}

Value do_items(Machine& m, Arguments& a) {
    count(m, a, 0, 0);
    if (a.positional[0].is(Kind::undefined)) return m.make_list({});
    Arguments none;
    return m.call(attribute(m, a.positional[0], "items"), none);
}

Value do_to_json(Machine& m, Arguments& a) {
    count(m, a, 0, 0);
    // Safe inside HTML, as Jinja writes it.
    std::string out;
    for (const char c : to_json(m, a.positional[0]).dump()) {
        constexpr std::string_view unsafe = "<>&'";
        out += unsafe.find(c) == std::string_view::npos ? std::string(1, c)
                                                        : fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    }
    return m.make_text(std::move(out));
}

Value do_safe(Machine&, Arguments& a) {
    return a.positional[0];
}

/// int and float fall back to 0, or to the argument.
template <bool real>
Value do_number(Machine& m, Arguments& a) {
    count(m, a, 0, 1);
    try {
        Arguments one{{a.positional[0]}, {}};
        return m.call(Value(find_builtin(real ? "float" : "int")), one);
    } catch (const Failure& failure) {
        if (std::string_view(failure.code).substr(0, 5) == "limit") throw;
        if (a.positional.size() > 1) return a.positional[1];
        return real ? Value(0.0) : Value(std::int64_t{0});
    }
}

Value do_round(Machine& m, Arguments& a) {
    count(m, a, 0, 1);
    Arguments rest{{Value(a.positional[0].real()), a.positional.size() > 1 ? a.positional[1] : Value(std::int64_t{0})},
                   {}};
    if (!a.positional[0].is_number()) m.type_error("round needs a number");
    return m.call(Value(find_builtin("round")), rest);
}

Value do_abs(Machine& m, Arguments& a) {
    count(m, a, 0, 0);
    return m.call(Value(find_builtin("abs")), a);
}

/// At most so many characters, with three points at the end.
Value do_truncate(Machine& m, Arguments& a) {
    count(m, a, 0, 1);
    const std::int64_t most = a.positional.size() > 1 ? index_of(m, a.positional[1]) : 255;
    std::u32string text = to_characters(text_of(m, a.positional[0]));
    if (most < 0 || text.size() <= static_cast<std::size_t>(most)) return m.make_text(to_text(text));
    text.resize(static_cast<std::size_t>(std::max<std::int64_t>(most - 3, 0)));
    return m.make_text(to_text(text) + "...");
}

struct Named {
    std::string_view name;
    Function function;
};

constexpr std::array filters{
    Named{"abs", do_abs},
    Named{"capitalize", by_method<capitalize>},
    Named{"count", do_length},
    Named{"d", do_default},
    Named{"default", do_default},
    Named{"e", by_method<html>},
    Named{"escape", by_method<html>},
    Named{"first", do_first},
    Named{"float", do_number<true>},
    Named{"int", do_number<false>},
    Named{"items", do_items},
    Named{"join", do_join},
    Named{"last", do_last},
    Named{"length", do_length},
    Named{"list", do_list},
    Named{"lower", by_method<lower>},
    Named{"replace", do_replace},
    Named{"reverse", do_reverse},
    Named{"round", do_round},
    Named{"safe", do_safe},
    Named{"sort", do_sort},
    Named{"string", as_text},
    Named{"title", by_method<title>},
    Named{"tojson", do_to_json},
    Named{"trim", by_method<trim>},
    Named{"truncate", do_truncate},
    Named{"upper", by_method<upper>},
};

// Tests --------------------------------------------------------------------------------------------------------------

template <bool wanted>
Value is_defined(Machine&, Arguments& a) {
    return Value(a.positional[0].is(Kind::undefined) != wanted);
}
Value is_none(Machine&, Arguments& a) {
    return Value(a.positional[0].is_none());
}
Value is_text(Machine&, Arguments& a) {
    return Value(a.positional[0].is(Kind::text));
}
Value is_number(Machine&, Arguments& a) {
    return Value(a.positional[0].is_number());
}
Value is_mapping(Machine&, Arguments& a) {
    return Value(a.positional[0].is(Kind::dict));
}
Value is_true(Machine&, Arguments& a) {
    return Value(identical(a.positional[0], Value(true)));
}
Value is_false(Machine&, Arguments& a) {
    return Value(identical(a.positional[0], Value(false)));
}

template <std::int64_t rest>
Value is_parity(Machine& m, Arguments& a) {
    return Value((index_of(m, a.positional[0]) & 1) == rest);
}

Value is_in(Machine& m, Arguments& a) {
    count(m, a, 1, 1);
    return Value(contains(m, a.positional[1], a.positional[0]));
}

Value is_equal(Machine& m, Arguments& a) {
    count(m, a, 1, 1);
    return Value(equal(m, a.positional[0], a.positional[1]));
}

constexpr std::array tests{
    Named{"False", is_false},    Named{"None", is_none},
    Named{"True", is_true},      Named{"defined", is_defined<true>},
    Named{"eq", is_equal},       Named{"equalto", is_equal},
    Named{"even", is_parity<0>}, Named{"false", is_false},
    Named{"in", is_in},          Named{"mapping", is_mapping},
    Named{"none", is_none},      Named{"number", is_number},
    Named{"odd", is_parity<1>},  Named{"string", is_text},
    Named{"true", is_true},      Named{"undefined", is_defined<false>},
};

template <class Table>
Function find_in(const Table& table, std::string_view name) {
    const auto found = std::find_if(table.begin(), table.end(), [&](const Named& entry) { return entry.name == name; });
    return found == table.end() ? nullptr : found->function;
}

}  // namespace

Function find_filter(std::string_view name) {
    return find_in(filters, name);
}
Function find_test(std::string_view name) {
    return find_in(tests, name);
}

}  // namespace quicksilver::rules
