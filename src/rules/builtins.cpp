#include "methods.hpp"
#include "number_text.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace quicksilver::rules {

namespace {

// Types --------------------------------------------------------------------------------------------------------------

Value do_bool(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "bool", a);
    arguments.count(0, 1).no_names();
    return Value(arguments.has(0) && truth(m, arguments[0]));
}

Value integer_from_text(Machine& m, Value text, unsigned base) {
    bool oversized = false;
    const std::optional<std::int64_t> value = parse_integer(text.text().bytes, base, oversized);
    if (oversized) m.fail("limit_integer", "an integer beyond 64 bits: use float()");
    if (!value) m.value_error(fmt::format("invalid literal for int() with base {}: {}", base, repr(m, text)));
    return Value(*value);
}

Value do_int(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "int", a);
    arguments.count(0, 2);
    const bool based = arguments.has(1) || arguments.has_named("base");
    const Value base = arguments.at_or_named(1, "base", Value(std::int64_t{10}));
    arguments.finish();
    if (!arguments.has(0)) {
        if (based) m.type_error("int() missing string argument");
        return Value(std::int64_t{0});
    }
    const Value value = arguments[0];
    if (based) {
        const std::int64_t number = index_of(m, base);
        if (number != 0 && (number < 2 || number > 36)) m.value_error("int() base must be >= 2 and <= 36, or 0");
        if (!value.is(Kind::text)) m.type_error("int() can't convert non-string with explicit base");
        return integer_from_text(m, value, static_cast<unsigned>(number));
    }
    if (value.is(Kind::text)) return integer_from_text(m, value, 10);
    if (value.is(Kind::real)) return integer_from_real(m, std::trunc(value.real()));
    if (value.is_integral()) return Value(value.integer());
    m.type_error(fmt::format("int() argument must be a string or a real number, not '{}'", type_name(value)));
}

Value do_float(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "float", a);
    arguments.count(0, 1).no_names();
    if (!arguments.has(0)) return Value(0.0);
    if (arguments[0].is_number()) return Value(arguments[0].real());
    if (!arguments[0].is(Kind::text)) {
        m.type_error(
            fmt::format("float() argument must be a string or a real number, not '{}'", type_name(arguments[0])));
    }
    const std::optional<double> value = parse_real(arguments[0].text().bytes);
    if (!value) m.value_error(fmt::format("could not convert string to float: {}", repr(m, arguments[0])));
    return Value(*value);
}

Value do_str(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "str", a);
    arguments.count(0, 1);
    const bool given = arguments.has(0) || arguments.has_named("object");
    const Value value = arguments.at_or_named(0, "object", Value());
    arguments.finish();
    if (!given) return m.make_text("", 0);
    return value.is(Kind::text) ? value : m.make_text(to_str(m, value));
}

Value do_complex(Machine& m, Arguments&) {
    m.fail("unsupported", "complex numbers are not available in rules");
}

Value do_list(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "list", a);
    arguments.count(0, 1).no_names();
    return m.make_list(arguments.has(0) ? elements_of(m, arguments[0]) : std::vector<Value>());
}

Value do_tuple(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "tuple", a);
    arguments.count(0, 1).no_names();
    if (arguments.has(0) && arguments[0].is(Kind::tuple)) return arguments[0];
    return m.make_tuple(arguments.has(0) ? elements_of(m, arguments[0]) : std::vector<Value>());
}

Value do_dict(Machine& m, Arguments& a) {
    Dict& dict = m.make<Dict>();
    update_dict(m, dict, "dict", a);
    return Value(Kind::dict, &dict);
}

template <bool frozen>
Value do_set(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, frozen ? "frozenset" : "set", a);
    arguments.count(0, 1).no_names();
    return make_set(m, arguments.has(0) ? arguments[0] : m.make_list({}), frozen);
}

// Iteration ----------------------------------------------------------------------------------------------------------

Value do_len(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "len", a);
    arguments.count(1, 1).no_names();
    return Value(length_of(m, arguments[0]));
}

Value do_sum(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "sum", a);
    arguments.count(1, 2);
    Value total = arguments.at_or_named(1, "start", Value(std::int64_t{0}));
    arguments.finish();
    Iterator& source = iterate(m, arguments[0]);
    if (total.is(Kind::text)) m.type_error("sum() can't sum strings: use ''.join(seq)");
    Value item;
    while (source.next(m, item)) {
        m.step();
        total = binary(m, Operator::add, total, item);
    }
    return total;
}

Value extreme(Machine& m, Arguments& a, bool largest) {
    const std::string_view name = largest ? "max" : "min";
    ArgumentReader arguments(m, name, a);
    const Value key = arguments.named("key", Value());
    const bool has_fallback = arguments.has_named("default");
    const Value fallback = arguments.named("default", Value());
    arguments.finish();
    if (arguments.size() == 0) m.type_error(fmt::format("{}() needs at least 1 argument", name));
    if (has_fallback && arguments.size() > 1) {
        m.type_error(fmt::format("{}() cannot have a default with several arguments", name));
    }
    const std::vector<Value> items = arguments.size() == 1 ? elements_of(m, arguments[0]) : a.positional;
    if (items.empty()) {
        if (has_fallback) return fallback;
        m.value_error(fmt::format("{}() arg is an empty sequence", name));
    }
    const auto key_of = [&](Value item) {
        if (key.is_none()) return item;
        Arguments one{{item}, {}};
        return m.call(key, one);
    };
    Value best = items[0], best_key = key_of(items[0]);
    for (std::size_t i = 1; i < items.size(); ++i) {
        const Value item_key = key_of(items[i]);
        if (!compare(m, largest ? Operator::greater : Operator::less, item_key, best_key)) continue;
        best = items[i];
        best_key = item_key;
    }
    return best;
}
Value do_min(Machine& m, Arguments& a) {
    return extreme(m, a, false);
}
Value do_max(Machine& m, Arguments& a) {
    return extreme(m, a, true);
}

template <bool wanted>
Value do_any_all(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, wanted ? "any" : "all", a);
    arguments.count(1, 1).no_names();
    Iterator& source = iterate(m, arguments[0]);
    Value item;
    while (source.next(m, item)) {
        m.step();
        if (truth(m, item) == wanted) return Value(wanted);
    }
    return Value(!wanted);
}

Value do_reversed(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "reversed", a);
    arguments.count(1, 1).no_names();
    return reversed(m, arguments[0]);
}

Value do_range(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "range", a);
    arguments.count(1, 3).no_names();
    if (arguments.size() == 1) return m.make_range(0, index_of(m, arguments[0]), 1);
    const std::int64_t start = index_of(m, arguments[0]), stop = index_of(m, arguments[1]);
    const std::int64_t step = arguments.has(2) ? index_of(m, arguments[2]) : 1;
    if (step == 0) m.value_error("range() arg 3 must not be zero");
    return m.make_range(start, stop, step);
}

/// mercure's evaluator makes a list of every enumerate object.
Value do_enumerate(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "enumerate", a);
    arguments.count(0, 2);
    const bool given = arguments.has(0) || arguments.has_named("iterable");
    const Value source = arguments.at_or_named(0, "iterable", Value());
    Value number = arguments.at_or_named(1, "start", Value(std::int64_t{0}));
    arguments.finish();
    if (!given) m.type_error("enumerate() missing required argument 'iterable'");
    std::int64_t next = index_of(m, number);
    std::vector<Value> pairs;
    for (const Value item : elements_of(m, source)) pairs.push_back(m.make_tuple({Value(next++), item}));
    return m.make_list(std::move(pairs));
}

Value do_zip(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "zip", a);
    const bool strict = truth(m, arguments.named("strict", Value(false)));
    arguments.finish();
    std::vector<Iterator*> sources;
    for (const Value source : a.positional) sources.push_back(&iterate(m, source));
    return Value(Kind::iterator, &make_zip(m, std::move(sources), strict));
}

Value do_filter(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "filter", a);
    arguments.count(2, 2).no_names();
    return Value(Kind::iterator, &make_filter(m, arguments[0], iterate(m, arguments[1])));
}

Value do_map(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "map", a);
    arguments.count(2, 100).no_names();
    std::vector<Iterator*> sources;
    for (std::size_t i = 1; i < arguments.size(); ++i) sources.push_back(&iterate(m, arguments[i]));
    return Value(Kind::iterator, &make_map(m, arguments[0], std::move(sources)));
}

}  // namespace

Value sorted_list(Machine& m, std::vector<Value> items, Value key, bool descending) {
    std::vector<std::pair<Value, Value>> keyed;
    for (const Value item : items) {
        Arguments one{{item}, {}};
        keyed.emplace_back(key.is_none() ? item : m.call(key, one), item);
    }
    // A merge sort of our own: the comparison may fail, and need not be a consistent order.
    std::vector<std::pair<Value, Value>> merged(keyed.size());
    for (std::size_t width = 1; width < keyed.size(); width *= 2) {
        for (std::size_t begin = 0; begin < keyed.size(); begin += 2 * width) {
            const std::size_t middle = std::min(begin + width, keyed.size());
            const std::size_t end = std::min(begin + 2 * width, keyed.size());
            std::size_t left = begin, right = middle;
            for (std::size_t out = begin; out < end; ++out) {
                bool take_right = left == middle;
                if (left < middle && right < end) {
                    m.step();
                    take_right = descending ? compare(m, Operator::less, keyed[left].first, keyed[right].first)
                                            : compare(m, Operator::less, keyed[right].first, keyed[left].first);
                }
                merged[out] = keyed[take_right ? right++ : left++];
            }
        }
        std::swap(keyed, merged);
    }
    for (std::size_t i = 0; i < items.size(); ++i) items[i] = keyed[i].second;
    return m.make_list(std::move(items));
}

namespace {

Value do_sorted(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "sorted", a);
    arguments.count(1, 1);
    const Value key = arguments.named("key", Value());
    const bool descending = truth(m, arguments.named("reverse", Value(false)));
    arguments.finish();
    return sorted_list(m, elements_of(m, arguments[0]), key, descending);
}

// Characters and printing ---------------------------------------------------------------------------------------------

Value do_chr(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "chr", a);
    arguments.count(1, 1).no_names();
    const std::int64_t code = index_of(m, arguments[0]);
    if (code < 0 || code > 0x10FFFF) m.value_error("chr() arg not in range(0x110000)");
    return m.make_character(static_cast<char32_t>(code));
}

Value do_ord(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "ord", a);
    arguments.count(1, 1).no_names();
    const Text& text = need_text(m, arguments[0], "ord()");
    if (text.length != 1) m.type_error(fmt::format("ord() needs one character, not {}", text.length));
    return Value(static_cast<std::int64_t>(decode_at(text.bytes, 0).code));
}

template <unsigned base>
Value do_base(Machine& m, Arguments& a) {
    constexpr std::string_view prefix = base == 16 ? "0x" : base == 8 ? "0o" : "0b";
    ArgumentReader arguments(m, "hex, oct and bin", a);
    arguments.count(1, 1).no_names();
    return m.make_text(in_base(index_of(m, arguments[0]), base, prefix));
}

Value do_format(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "format", a);
    arguments.count(1, 2).no_names();
    const std::string specification = arguments.has(1) ? need_text(m, arguments[1], "format()").bytes : "";
    return m.make_text(format_value(m, arguments[0], specification));
}

Value do_repr(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "repr", a);
    arguments.count(1, 1).no_names();
    return m.make_text(repr(m, arguments[0]));
}

/// Our extension: does the regular expression occur in the text? RE2 takes linear time for every pattern.
Value do_matches(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "matches", a);
    arguments.count(2, 2).no_names();
    const Text& pattern = need_text(m, arguments[0], "matches()");
    const Text& text = need_text(m, arguments[1], "matches()");
    m.step(50 + (pattern.bytes.size() + text.bytes.size()) / 16);
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(1 << 20);
    const re2::RE2 expression(to_utf8(pattern.bytes), options);
    if (!expression.ok()) m.value_error(fmt::format("invalid pattern: {}", expression.error()));
    return Value(re2::RE2::PartialMatch(to_utf8(text.bytes), expression));
}

constexpr Builtin type(std::string_view name, Function call) {
    return {name, call, FunctionKind::type, 0};
}
constexpr Builtin function(std::string_view name, Function call) {
    return {name, call, FunctionKind::function, 0};
}

constexpr std::array general{
    type("bool", do_bool),
    type("int", do_int),
    type("float", do_float),
    type("str", do_str),
    type("complex", do_complex),
    type("list", do_list),
    type("tuple", do_tuple),
    type("dict", do_dict),
    type("set", do_set<false>),
    type("frozenset", do_set<true>),
    type("reversed", do_reversed),
    type("range", do_range),
    type("enumerate", do_enumerate),
    type("zip", do_zip),
    type("filter", do_filter),
    type("map", do_map),
    function("len", do_len),
    function("sum", do_sum),
    function("min", do_min),
    function("max", do_max),
    function("all", do_any_all<false>),
    function("any", do_any_all<true>),
    function("sorted", do_sorted),
    function("chr", do_chr),
    function("ord", do_ord),
    function("hex", do_base<16>),
    function("oct", do_base<8>),
    function("bin", do_base<2>),
    function("format", do_format),
    function("repr", do_repr),
    function("matches", do_matches),
};

}  // namespace

std::span<const Builtin> general_functions() {
    return general;
}

const Builtin* find_builtin(std::string_view name) {
    const auto named = [&](const Builtin& builtin) { return builtin.name == name; };
    for (const std::span<const Builtin> functions : {general_functions(), number_functions(), math_functions()}) {
        const auto other = std::find_if(functions.begin(), functions.end(), named);
        if (other != functions.end()) return &*other;
    }
    return nullptr;
}

}  // namespace quicksilver::rules
