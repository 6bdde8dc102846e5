#include "value.hpp"

#include "machine.hpp"
#include "number_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

namespace quicksilver::rules {

namespace {

constexpr std::size_t index_from = 8;

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    a ^= b + 0x9E3779B97F4A7C15ULL + (a << 6) + (a >> 2);
    return a * 0xBF58476D1CE4E5B9ULL;
}

bool equal_items(Machine& machine, const std::vector<Value>& a, const std::vector<Value>& b) {
    if (a.size() != b.size()) return false;
    const Machine::Nested guard(machine);
    machine.step(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (!same(machine, a[i], b[i])) return false;
    }
    return true;
}

bool equal_dicts(Machine& machine, Dict& a, Dict& b) {
    if (a.table.entries.size() != b.table.entries.size()) return false;
    const Machine::Nested guard(machine);
    for (const Table::Entry& entry : a.table.entries) {
        const Table::Entry* other = b.table.find(machine, entry.key);
        if (!other || !same(machine, entry.value, other->value)) return false;
    }
    return true;
}

bool equal_ranges(const Range& a, const Range& b) {
    if (a.length != b.length) return false;
    if (a.length == 0) return true;
    return a.start == b.start && (a.length == 1 || a.step == b.step);
}

}  // namespace

// Tables -------------------------------------------------------------------------------------------------------------

Table::Entry* Table::find_hashed(Machine& machine, Value key, std::uint64_t hash) {
    if (entries.size() <= index_from) {
        for (Entry& entry : entries) {
            machine.step();
            if (entry.hash == hash && same(machine, entry.key, key)) return &entry;
        }
        return nullptr;
    }
    const auto [begin, end] = index_.equal_range(hash);
    for (auto i = begin; i != end; ++i) {
        machine.step();
        if (same(machine, entries[i->second].key, key)) return &entries[i->second];
    }
    return nullptr;
}

Table::Entry* Table::find(Machine& machine, Value key) {
    return find_hashed(machine, key, hash(machine, key));
}

void Table::set(Machine& machine, Value key, Value value) {
    const std::uint64_t hashed = hash(machine, key);
    if (Entry* entry = find_hashed(machine, key, hashed)) {
        entry->value = value;
        return;
    }
    machine.charge(sizeof(Entry) + 48);
    entries.push_back({hashed, key, value});
    if (entries.size() == index_from + 1) {
        for (std::size_t i = 0; i < entries.size(); ++i) index_.emplace(entries[i].hash, i);
    } else if (entries.size() > index_from) {
        index_.emplace(hashed, entries.size() - 1);
    }
}

bool Table::erase(Machine& machine, Value key) {
    Entry* entry = find(machine, key);
    if (!entry) return false;
    machine.step(entries.size());
    entries.erase(entries.begin() + (entry - entries.data()));
    index_.clear();
    if (entries.size() > index_from) {
        for (std::size_t i = 0; i < entries.size(); ++i) index_.emplace(entries[i].hash, i);
    }
    return true;
}

void Table::clear() {
    entries.clear();
    index_.clear();
}

// Properties of all values -------------------------------------------------------------------------------------------

std::string_view type_name(Value value) {
    switch (value.kind()) {
        case Kind::none:
            return "NoneType";
        case Kind::boolean:
            return "bool";
        case Kind::integer:
            return "int";
        case Kind::real:
            return "float";
        case Kind::text:
            return "str";
        case Kind::list:
            return "list";
        case Kind::tuple:
            return "tuple";
        case Kind::dict:
            return "dict";
        case Kind::set:
            return value.set().frozen ? "frozenset" : "set";
        case Kind::range:
            return "range";
        case Kind::slice:
            return "slice";
        case Kind::iterator:
            return value.iterator().name;
        case Kind::view:
            return value.view().part == View::Part::keys     ? "dict_keys"
                   : value.view().part == View::Part::values ? "dict_values"
                                                             : "dict_items";
        case Kind::function:
            return value.builtin()->kind == FunctionKind::type ? "type" : "function";
        case Kind::method:
            return "method";
        case Kind::tags:
            return "Tags";
        case Kind::ellipsis:
            return "ellipsis";
        case Kind::undefined:
            return "undefined";
    }
    return "object";
}

bool truth(Machine& machine, Value value) {
    switch (value.kind()) {
        case Kind::none:
        case Kind::undefined:
            return false;
        case Kind::boolean:
        case Kind::integer:
            return value.integer() != 0;
        case Kind::real:
            return value.real() != 0;
        case Kind::text:
            return value.text().length != 0;
        case Kind::list:
            return !value.list().items.empty();
        case Kind::tuple:
            return !value.tuple().items.empty();
        case Kind::dict:
            return !value.dict().table.entries.empty();
        case Kind::set:
            return !value.set().table.entries.empty();
        case Kind::range:
            return value.range().length != 0;
        case Kind::view:
            return !value.view().dict->table.entries.empty();
        case Kind::tags:
            return !machine.tags().empty();
        default:
            return true;
    }
}

int compare_numbers(Value a, Value b) {
    if (a.is_integral() && b.is_integral()) {
        return a.integer() < b.integer() ? -1 : a.integer() > b.integer() ? 1 : 0;
    }
    // Wide enough for every int and every float, so the comparison is exact, as Python's is.
    const auto wide = [](Value v) {
        return v.is(Kind::real) ? static_cast<long double>(v.real()) : static_cast<long double>(v.integer());
    };
    const long double x = wide(a), y = wide(b);
    if (std::isnan(x) || std::isnan(y)) return 2;
    return x < y ? -1 : x > y ? 1 : 0;
}

bool identical(Value a, Value b) {
    if (a.kind() != b.kind()) return false;
    switch (a.kind()) {
        case Kind::none:
        case Kind::undefined:
        case Kind::ellipsis:
        case Kind::tags:
            return true;
        case Kind::boolean:
            return a.integer() == b.integer();
        // CPython keeps one object for each of these; other numbers are one object each time they are made.
        case Kind::integer:
            return a.integer() == b.integer() && a.integer() >= -5 && a.integer() <= 256;
        case Kind::real:
            return false;
        case Kind::function:
            return a.builtin() == b.builtin();
        case Kind::text:
            if (a.object() == b.object()) return true;
            return a.text().bytes == b.text().bytes &&
                   (a.text().length == 0 || (a.text().length == 1 && decode_at(a.text().bytes, 0).code < 256));
        case Kind::tuple:
            return a.object() == b.object() || (a.tuple().items.empty() && b.tuple().items.empty());
        default:
            return a.object() == b.object();
    }
}

bool same(Machine& machine, Value a, Value b) {
    return identical(a, b) || equal(machine, a, b);
}

bool equal(Machine& machine, Value a, Value b) {
    if (a.is_number() && b.is_number()) return compare_numbers(a, b) == 0;
    const auto is_set_like = [](Value v) {
        return v.is(Kind::set) || (v.is(Kind::view) && v.view().part != View::Part::values);
    };
    if (is_set_like(a) && is_set_like(b)) {
        const Value x = make_set(machine, a, true), y = make_set(machine, b, true);
        if (x.set().table.entries.size() != y.set().table.entries.size()) return false;
        return std::all_of(x.set().table.entries.begin(), x.set().table.entries.end(), [&](const Table::Entry& entry) {
            return y.set().table.find(machine, entry.key) != nullptr;
        });
    }
    if (a.kind() != b.kind()) return false;
    switch (a.kind()) {
        case Kind::text:
            machine.step(std::min(a.text().bytes.size(), b.text().bytes.size()) / 1024);
            return a.text().bytes == b.text().bytes;
        case Kind::list:
            return equal_items(machine, a.list().items, b.list().items);
        case Kind::tuple:
            return equal_items(machine, a.tuple().items, b.tuple().items);
        case Kind::dict:
            return equal_dicts(machine, a.dict(), b.dict());
        case Kind::range:
            return equal_ranges(a.range(), b.range());
        case Kind::slice:
            return same(machine, a.slice().start, b.slice().start) && same(machine, a.slice().stop, b.slice().stop) &&
                   same(machine, a.slice().step, b.slice().step);
        case Kind::method:
            return a.method().entry == b.method().entry && a.method().unbound == b.method().unbound &&
                   identical(a.method().self, b.method().self);
        default:
            return identical(a, b);
    }
}

std::uint64_t hash(Machine& machine, Value value) {
    switch (value.kind()) {
        case Kind::boolean:
        case Kind::integer:
            return mix(1, static_cast<std::uint64_t>(value.integer()));
        case Kind::real: {
            const double real = value.real();
            // Equal numbers must have equal hashes, whatever their type.
            if (real == std::floor(real) && real >= -9.2e18 && real <= 9.2e18) {
                return mix(1, static_cast<std::uint64_t>(static_cast<std::int64_t>(real)));
            }
            return mix(2, std::bit_cast<std::uint64_t>(real));
        }
        case Kind::text:
            machine.step(value.text().bytes.size() / 1024);
            return std::hash<std::string>()(value.text().bytes);
        case Kind::tuple: {
            const Machine::Nested guard(machine);
            std::uint64_t hashed = 3;
            machine.step(value.tuple().items.size());
            for (const Value item : value.tuple().items) hashed = mix(hashed, hash(machine, item));
            return hashed;
        }
        case Kind::set:
            if (value.set().frozen) {
                std::uint64_t hashed = 4;
                for (const Table::Entry& entry : value.set().table.entries) hashed += entry.hash;
                return hashed;
            }
            break;
        case Kind::range:
            return mix(5, static_cast<std::uint64_t>(value.range().length));
        case Kind::list:
        case Kind::dict:
        case Kind::slice:
            break;
        case Kind::view:
            if (value.view().part == View::Part::values) return mix(6, 0);
            break;
        case Kind::function:
            return std::hash<const void*>()(value.builtin());
        case Kind::iterator:
            return std::hash<const void*>()(value.object());
        default:
            return mix(7, static_cast<std::uint64_t>(value.kind()));
    }
    machine.type_error(
        fmt::format("unhashable type: '{}' (it cannot be a key or an element of a set)", type_name(value)));
}

// Printing -----------------------------------------------------------------------------------------------------------

namespace {

std::string repr_of_text(std::string_view text) {
    const bool double_quotes = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
    const char32_t quote = double_quotes ? U'"' : U'\'';
    std::string out(1, static_cast<char>(quote));
    for (std::size_t i = 0; i < text.size();) {
        const Decoded c = decode_at(text, i);
        i += c.size;
        if (c.code == quote || c.code == U'\\') {
            out += '\\';
            append_character(out, c.code);
        } else if (c.code >= 0x20 && c.code < 0x7F) {
            out += static_cast<char>(c.code);
        } else if (c.code == U'\n') {
            out += "\\n";
        } else if (c.code == U'\r') {
            out += "\\r";
        } else if (c.code == U'\t') {
            out += "\\t";
        } else if (unicode::is_printable(c.code)) {
            append_character(out, c.code);
        } else if (c.code < 0x100) {
            out += fmt::format("\\x{:02x}", static_cast<unsigned>(c.code));
        } else if (c.code < 0x10000) {
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(c.code));
        } else {
            out += fmt::format("\\U{:08x}", static_cast<unsigned>(c.code));
        }
    }
    return out + static_cast<char>(quote);
}

void check_length(Machine& machine, const std::string& printed) {
    machine.step();
    if (printed.size() > machine.limits().memory_bytes / 4)
        machine.fail("limit_memory", "the printed value is too long");
}

std::string joined(Machine& machine, const std::vector<Value>& items) {
    std::string out;
    for (const Value item : items) {
        if (!out.empty()) out += ", ";
        out += repr(machine, item);
        check_length(machine, out);
    }
    return out;
}

std::string repr_of_dict(Machine& machine, const Dict& dict) {
    std::string out;
    for (const Table::Entry& entry : dict.table.entries) {
        if (!out.empty()) out += ", ";
        out.append(repr(machine, entry.key)).append(": ").append(repr(machine, entry.value));
        check_length(machine, out);
    }
    return fmt::format("{{{}}}", out);
}

/// Sets print in the order of their elements' texts, where Python's order is arbitrary.
std::string repr_of_set(Machine& machine, const Set& set) {
    std::vector<std::string> items;
    std::size_t size = 0;
    for (const Table::Entry& entry : set.table.entries) {
        items.push_back(repr(machine, entry.key));
        size += items.back().size();
        if (size > machine.limits().memory_bytes / 4) machine.fail("limit_memory", "the printed value is too long");
    }
    std::sort(items.begin(), items.end());
    const std::string inside = fmt::format("{}", fmt::join(items, ", "));
    if (set.frozen) return items.empty() ? "frozenset()" : fmt::format("frozenset({{{}}})", inside);
    return items.empty() ? "set()" : fmt::format("{{{}}}", inside);
}

std::string repr_of_range(const Range& range) {
    if (range.step == 1) return fmt::format("range({}, {})", range.start, range.stop);
    return fmt::format("range({}, {}, {})", range.start, range.stop, range.step);
}

}  // namespace

std::string repr(Machine& machine, Value value) {
    const Machine::Nested guard(machine);
    switch (value.kind()) {
        case Kind::none:
            return "None";
        case Kind::boolean:
            return value.integer() != 0 ? "True" : "False";
        case Kind::integer:
            return fmt::format("{}", value.integer());
        case Kind::real:
            return repr_of(value.real());
        case Kind::text:
            return repr_of_text(value.text().bytes);
        case Kind::list:
            return fmt::format("[{}]", joined(machine, value.list().items));
        case Kind::tuple:
            return fmt::format("({}{})", joined(machine, value.tuple().items),
                               value.tuple().items.size() == 1 ? "," : "");
        case Kind::dict:
            return repr_of_dict(machine, value.dict());
        case Kind::set:
            return repr_of_set(machine, value.set());
        case Kind::range:
            return repr_of_range(value.range());
        case Kind::slice:
            return fmt::format("slice({}, {}, {})", repr(machine, value.slice().start),
                               repr(machine, value.slice().stop), repr(machine, value.slice().step));
        case Kind::view:
            return fmt::format("{}([{}])", type_name(value), joined(machine, elements_of(machine, value)));
        case Kind::function:
            return value.builtin()->kind == FunctionKind::type
                       ? fmt::format("<class '{}'>", value.builtin()->name)
                       : fmt::format("<built-in function {}>", value.builtin()->name);
        case Kind::method:
            return value.method().unbound ? fmt::format("<method '{}'>", value.method().entry->name)
                                          : fmt::format("<built-in method {} of {} object>", value.method().entry->name,
                                                        type_name(value.method().self));
        case Kind::tags:
            return "<Tags>";
        case Kind::ellipsis:
            return "Ellipsis";
        case Kind::iterator:
            return fmt::format("<{} object>", value.iterator().name);
        case Kind::undefined:
            return "";
    }
    return "";
}

std::string to_str(Machine& machine, Value value) {
    return value.is(Kind::text) ? value.text().bytes : repr(machine, value);
}

}  // namespace quicksilver::rules
