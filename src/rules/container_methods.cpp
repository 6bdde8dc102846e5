#include "methods.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace quicksilver::rules {

namespace {

Value integer(std::size_t value) {
    return Value(static_cast<std::int64_t>(value));
}

std::size_t find_item(Machine& m, const std::vector<Value>& items, Value wanted, std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end && i < items.size(); ++i) {
        m.step();
        if (same(m, items[i], wanted)) return i;
    }
    return items.size();
}

const std::vector<Value>& items_of(Value self) {
    return self.is(Kind::list) ? self.list().items : self.tuple().items;
}

Value do_item_count(Machine& m, Value self, Arguments& a) {
    ArgumentReader arguments(m, "count", a);
    arguments.count(1, 1).no_names();
    std::size_t count = 0;
    for (const Value item : items_of(self)) count += same(m, item, arguments[0]) ? 1U : 0U;
    m.step(items_of(self).size());
    return integer(count);
}

Value do_item_index(Machine& m, Value self, Arguments& a) {
    ArgumentReader arguments(m, "index", a);
    arguments.count(1, 3).no_names();
    const std::vector<Value>& items = items_of(self);
    const auto length = static_cast<std::int64_t>(items.size());
    const auto position = [&](std::size_t at, std::int64_t absent) {
        std::int64_t value = arguments.has(at) ? index_of(m, arguments[at]) : absent;
        if (value < 0) value = std::max<std::int64_t>(value + length, 0);
        return static_cast<std::size_t>(std::min(value, length));
    };
    const std::size_t end = position(2, length);
    const std::size_t found = find_item(m, items, arguments[0], position(1, 0), end);
    if (found >= end) m.value_error(fmt::format("{} is not in the {}", repr(m, arguments[0]), type_name(self)));
    return integer(found);
}

// Lists --------------------------------------------------------------------------------------------------------------

Value do_append(Machine& m, Value self, Arguments& a) {
    ArgumentReader arguments(m, "append", a);
    arguments.count(1, 1).no_names();
    m.append(self.list(), arguments[0]);
    return {};
}

Value do_list_clear(Machine& m, Value self, Arguments& a) {
    ArgumentReader(m, "clear", a).count(0, 0).no_names();
    self.list().items.clear();
    return {};
}

Value do_list_copy(Machine& m, Value self, Arguments& a) {
    ArgumentReader(m, "copy", a).count(0, 0).no_names();
    return m.make_list(self.list().items);
}

Value do_extend(Machine& m, Value self, Arguments& a) {
    ArgumentReader arguments(m, "extend", a);
    arguments.count(1, 1).no_names();
    for (const Value item : elements_of(m, arguments[0])) m.append(self.list(), item);
    return {};
}

Value do_insert(Machine& m, Value self, Arguments& a) {
    ArgumentReader arguments(m, "insert", a);
    arguments.count(2, 2).no_names();
    std::vector<Value>& items = self.list().items;
    const auto length = static_cast<std::int64_t>(items.size());
    std::int64_t position = index_of(m, arguments[0]);
    if (position < 0) position = std::max<std::int64_t>(position + length, 0);
    m.charge(sizeof(Value));
    m.step(items.size() / 16);
    items.insert(items.begin() + std::min(position, length), arguments[1]);
    return {};
}

Value do_list_pop(Machine& m, Value self, Arguments& a) {
    ArgumentReader arguments(m, "pop", a);
    arguments.count(0, 1).no_names();
    std::vector<Value>& items = self.list().items;
    const auto length = static_cast<std::int64_t>(items.size());
    std::int64_t position = arguments.has(0) ? index_of(m, arguments[0]) : -1;
    if (position < 0) position += length;
    if (items.empty()) m.fail("index_error", "pop from empty list");
    if (position < 0 || position >= length) m.fail("index_error", "pop index out of range");
    const Value item = items[static_cast<std::size_t>(position)];
    items.erase(items.begin() + position);
    return item;
}

Value do_list_remove(Machine& m, Value self, Arguments& a) {
    ArgumentReader arguments(m, "remove", a);
    arguments.count(1, 1).no_names();
    std::vector<Value>& items = self.list().items;
    const std::size_t found = find_item(m, items, arguments[0], 0, items.size());
    if (found == items.size()) m.value_error("list.remove(x): x not in list");
    items.erase(items.begin() + static_cast<std::ptrdiff_t>(found));
    return {};
}

Value do_reverse(Machine& m, Value self, Arguments& a) {
    ArgumentReader(m, "reverse", a).count(0, 0).no_names();
    std::reverse(self.list().items.begin(), self.list().items.end());
    return {};
}

Value do_sort(Machine& m, Value self, Arguments& a) {
    ArgumentReader arguments(m, "sort", a);
    arguments.count(0, 0);
    const Value key = arguments.named("key", Value());
    const bool descending = truth(m, arguments.named("reverse", Value(false)));
    arguments.finish();
    self.list().items = sorted_list(m, self.list().items, key, descending).list().items;
    return {};
}

// Dicts --------------------------------------------------------------------------------------------------------------

Value do_dict_clear(Machine& m, Value self, Arguments& a) {
    ArgumentReader(m, "clear", a).count(0, 0).no_names();
    self.dict().table.clear();
    return {};
}

Value copy_of(Machine& m, Dict& source) {
    Dict& copy = m.make<Dict>();
    for (const Table::Entry& entry : source.table.entries) copy.table.set(m, entry.key, entry.value);
    return Value(Kind::dict, &copy);
}

Value do_dict_copy(Machine& m, Value self, Arguments& a) {
    ArgumentReader(m, "copy", a).count(0, 0).no_names();
    return copy_of(m, self.dict());
}

Value do_fromkeys(Machine& m, Value, Arguments& a) {
    ArgumentReader arguments(m, "fromkeys", a);
    arguments.count(1, 2).no_names();
    Dict& dict = m.make<Dict>();
    for (const Value key : elements_of(m, arguments[0])) {
        dict.table.set(m, key, arguments.has(1) ? arguments[1] : Value());
    }
    return Value(Kind::dict, &dict);
}

Value do_get(Machine& m, Value self, Arguments& a) {
    ArgumentReader arguments(m, "get", a);
    arguments.count(1, 2).no_names();
    const Table::Entry* entry = self.dict().table.find(m, arguments[0]);
    if (entry) return entry->value;
    return arguments.has(1) ? arguments[1] : Value();
}

template <View::Part part>
Value do_view(Machine& m, Value self, Arguments& a) {
    ArgumentReader(m, "this method", a).count(0, 0).no_names();
    View& view = m.make<View>();
    view.dict = &self.dict();
    view.part = part;
    return Value(Kind::view, &view);
}

Value do_dict_pop(Machine& m, Value self, Arguments& a) {
    ArgumentReader arguments(m, "pop", a);
    arguments.count(1, 2).no_names();
    const Table::Entry* entry = self.dict().table.find(m, arguments[0]);
    if (!entry && arguments.has(1)) return arguments[1];
    if (!entry) m.fail("key_error", repr(m, arguments[0]));
    const Value value = entry->value;
    self.dict().table.erase(m, arguments[0]);
    return value;
}

Value do_popitem(Machine& m, Value self, Arguments& a) {
    ArgumentReader(m, "popitem", a).count(0, 0).no_names();
    Table& table = self.dict().table;
    if (table.entries.empty()) m.fail("key_error", "'popitem(): dictionary is empty'");
    const Table::Entry last = table.entries.back();
    table.erase(m, last.key);
    return m.make_tuple({last.key, last.value});
}

Value do_setdefault(Machine& m, Value self, Arguments& a) {
    ArgumentReader arguments(m, "setdefault", a);
    arguments.count(1, 2).no_names();
    if (const Table::Entry* entry = self.dict().table.find(m, arguments[0])) return entry->value;
    const Value value = arguments.has(1) ? arguments[1] : Value();
    self.dict().table.set(m, arguments[0], value);
    return value;
}

}  // namespace

void update_dict(Machine& m, Dict& dict, std::string_view function, Arguments& a) {
    ArgumentReader arguments(m, function, a);
    arguments.count(0, 1);
    if (arguments.has(0) && arguments[0].is(Kind::dict)) {
        const std::vector<Table::Entry> entries = arguments[0].dict().table.entries;
        for (const Table::Entry& entry : entries) dict.table.set(m, entry.key, entry.value);
    } else if (arguments.has(0)) {
        for (const Value pair : elements_of(m, arguments[0])) {
            const std::vector<Value> parts = elements_of(m, pair);
            if (parts.size() != 2) m.value_error("a dict is made of pairs");
            dict.table.set(m, parts[0], parts[1]);
        }
    }
    for (const auto& [name, value] : a.named) dict.table.set(m, m.make_text(name), value);
}

namespace {

Value do_dict_update(Machine& m, Value self, Arguments& a) {
    update_dict(m, self.dict(), "update", a);
    return {};
}

// Sets ---------------------------------------------------------------------------------------------------------------

Value do_add(Machine& m, Value self, Arguments& a) {
    ArgumentReader arguments(m, "add", a);
    arguments.count(1, 1).no_names();
    self.set().table.set(m, arguments[0], Value());
    return {};
}

Value do_set_clear(Machine& m, Value self, Arguments& a) {
    ArgumentReader(m, "clear", a).count(0, 0).no_names();
    self.set().table.clear();
    return {};
}

Value do_set_copy(Machine& m, Value self, Arguments& a) {
    ArgumentReader(m, "copy", a).count(0, 0).no_names();
    return make_set(m, self, self.set().frozen);
}

template <bool must_exist>
Value do_discard(Machine& m, Value self, Arguments& a) {
    ArgumentReader arguments(m, "remove", a);
    arguments.count(1, 1).no_names();
    Value key = arguments[0];
    if (key.is(Kind::set)) key = make_set(m, key, true);
    const bool erased = self.set().table.erase(m, key);
    if (!erased && must_exist) m.fail("key_error", repr(m, arguments[0]));
    return {};
}

Value do_set_pop(Machine& m, Value self, Arguments& a) {
    ArgumentReader(m, "pop", a).count(0, 0).no_names();
    Table& table = self.set().table;
    if (table.entries.empty()) m.fail("key_error", "'pop from an empty set'");
    const Value key = table.entries.front().key;
    table.erase(m, key);
    return key;
}

/// union, intersection, difference, symmetric_difference over anything that can be iterated.
Value combined(Machine& m, Value self, Arguments& a, Operator op) {
    ArgumentReader arguments(m, "this method", a);
    const bool one = op == Operator::bit_xor;
    arguments.count(one ? 1 : 0, one ? 1 : 100).no_names();
    Value result = make_set(m, self, self.set().frozen);
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        result = binary(m, op, result, make_set(m, arguments[i], true));
    }
    return result;
}

template <Operator op>
Value do_combine(Machine& m, Value self, Arguments& a) {
    return combined(m, self, a, op);
}

template <Operator op>
Value do_update(Machine& m, Value self, Arguments& a) {
    const Value result = combined(m, self, a, op);
    self.set().table = result.set().table;
    return {};
}

template <Operator op>
Value do_relation(Machine& m, Value self, Arguments& a) {
    ArgumentReader arguments(m, "this method", a);
    arguments.count(1, 1).no_names();
    return Value(compare(m, op, self, make_set(m, arguments[0], true)));
}

Value do_isdisjoint(Machine& m, Value self, Arguments& a) {
    ArgumentReader arguments(m, "isdisjoint", a);
    arguments.count(1, 1).no_names();
    const Value other = make_set(m, arguments[0], true);
    return Value(binary(m, Operator::bit_and, other, self).set().table.entries.empty());
}

// Ranges -------------------------------------------------------------------------------------------------------------

Value do_range_count(Machine& m, Value self, Arguments& a) {
    ArgumentReader arguments(m, "count", a);
    arguments.count(1, 1).no_names();
    return integer(contains(m, self, arguments[0]) ? 1 : 0);
}

Value do_range_index(Machine& m, Value self, Arguments& a) {
    ArgumentReader arguments(m, "index", a);
    arguments.count(1, 1).no_names();
    if (!contains(m, self, arguments[0])) m.value_error(fmt::format("{} is not in range", repr(m, arguments[0])));
    const auto wanted = static_cast<std::int64_t>(arguments[0].real());
    const std::int64_t value = arguments[0].is(Kind::real) ? wanted : arguments[0].integer();
    return Value((value - self.range().start) / self.range().step);
}

}  // namespace

std::span<const MethodEntry> list_methods() {
    static constexpr std::array methods{
        MethodEntry{"append", do_append},    MethodEntry{"clear", do_list_clear}, MethodEntry{"copy", do_list_copy},
        MethodEntry{"count", do_item_count}, MethodEntry{"extend", do_extend},    MethodEntry{"index", do_item_index},
        MethodEntry{"insert", do_insert},    MethodEntry{"pop", do_list_pop},     MethodEntry{"remove", do_list_remove},
        MethodEntry{"reverse", do_reverse},  MethodEntry{"sort", do_sort},
    };
    return methods;
}

std::span<const MethodEntry> tuple_methods() {
    static constexpr std::array methods{MethodEntry{"count", do_item_count}, MethodEntry{"index", do_item_index}};
    return methods;
}

std::span<const MethodEntry> dict_methods() {
    static constexpr std::array methods{
        MethodEntry{"clear", do_dict_clear},
        MethodEntry{"copy", do_dict_copy},
        MethodEntry{"fromkeys", do_fromkeys},
        MethodEntry{"get", do_get},
        MethodEntry{"items", do_view<View::Part::items>},
        MethodEntry{"keys", do_view<View::Part::keys>},
        MethodEntry{"pop", do_dict_pop},
        MethodEntry{"popitem", do_popitem},
        MethodEntry{"setdefault", do_setdefault},
        MethodEntry{"update", do_dict_update},
        MethodEntry{"values", do_view<View::Part::values>},
    };
    return methods;
}

std::span<const MethodEntry> set_methods() {
    static constexpr std::array methods{
        MethodEntry{"add", do_add},
        MethodEntry{"clear", do_set_clear},
        MethodEntry{"copy", do_set_copy},
        MethodEntry{"difference", do_combine<Operator::subtract>},
        MethodEntry{"difference_update", do_update<Operator::subtract>},
        MethodEntry{"discard", do_discard<false>},
        MethodEntry{"intersection", do_combine<Operator::bit_and>},
        MethodEntry{"intersection_update", do_update<Operator::bit_and>},
        MethodEntry{"isdisjoint", do_isdisjoint},
        MethodEntry{"issubset", do_relation<Operator::less_equal>},
        MethodEntry{"issuperset", do_relation<Operator::greater_equal>},
        MethodEntry{"pop", do_set_pop},
        MethodEntry{"remove", do_discard<true>},
        MethodEntry{"symmetric_difference", do_combine<Operator::bit_xor>},
        MethodEntry{"symmetric_difference_update", do_update<Operator::bit_xor>},
        MethodEntry{"union", do_combine<Operator::bit_or>},
        MethodEntry{"update", do_update<Operator::bit_or>},
    };
    return methods;
}

std::span<const MethodEntry> range_methods() {
    static constexpr std::array methods{MethodEntry{"count", do_range_count}, MethodEntry{"index", do_range_index}};
    return methods;
}

}  // namespace quicksilver::rules
