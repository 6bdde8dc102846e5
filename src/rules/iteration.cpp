#include "machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace quicksilver::rules {

namespace {

struct SequenceIterator : Iterator {
    explicit SequenceIterator(Value source) : sequence(source) { name = "list_iterator"; }
    Value sequence;
    std::size_t position = 0;
    bool next(Machine&, Value& value) override {
        const std::vector<Value>& items = sequence.is(Kind::list) ? sequence.list().items : sequence.tuple().items;
        if (position >= items.size()) return false;
        value = items[position++];
        return true;
    }
};

struct TextIterator : Iterator {
    explicit TextIterator(const Text& source) : text(source) { name = "str_iterator"; }
    const Text& text;
    std::size_t position = 0;
    bool next(Machine& machine, Value& value) override {
        if (position >= text.bytes.size()) return false;
        const Decoded character = decode_at(text.bytes, position);
        position += character.size;
        value = machine.make_character(character.code);
        return true;
    }
};

struct RangeIterator : Iterator {
    explicit RangeIterator(const Range& source) : range(source) { name = "range_iterator"; }
    const Range& range;
    std::int64_t position = 0;
    bool next(Machine&, Value& value) override {
        if (position >= range.length) return false;
        value = Value(range.at(position++));
        return true;
    }
};

struct TableIterator : Iterator {
    TableIterator(Table& source, View::Part what) : table(source), part(what), size(source.entries.size()) {
        name = "dict_iterator";
    }
    Table& table;
    View::Part part;
    std::size_t size, position = 0;
    bool next(Machine& machine, Value& value) override {
        if (table.entries.size() != size) machine.fail("runtime_error", "changed size during iteration");
        if (position >= table.entries.size()) return false;
        const Table::Entry& entry = table.entries[position++];
        value = part == View::Part::keys     ? entry.key
                : part == View::Part::values ? entry.value
                                             : machine.make_tuple({entry.key, entry.value});
        return true;
    }
};

/// Over values that nothing else refers to.
struct OwnedIterator : Iterator {
    OwnedIterator(std::vector<Value> values, std::string_view shown) : items(std::move(values)) { name = shown; }
    std::vector<Value> items;
    std::size_t position = 0;
    bool next(Machine&, Value& value) override {
        if (position >= items.size()) return false;
        value = items[position++];
        return true;
    }
};

struct MapIterator : Iterator {
    MapIterator(Value called, std::vector<Iterator*> inputs) : function(called), sources(std::move(inputs)) {
        name = "map";
    }
    Value function;
    std::vector<Iterator*> sources;
    bool next(Machine& machine, Value& value) override {
        Arguments arguments;
        for (Iterator* source : sources) {
            Value item;
            machine.step();
            if (!source->next(machine, item)) return false;
            arguments.positional.push_back(item);
        }
        value = machine.call(function, arguments);
        return true;
    }
};

struct FilterIterator : Iterator {
    FilterIterator(Value called, Iterator& input) : function(called), source(input) { name = "filter"; }
    Value function;
    Iterator& source;
    bool next(Machine& machine, Value& value) override {
        while (source.next(machine, value)) {
            machine.step();
            Value kept = value;
            if (!function.is_none()) {
                Arguments arguments{{value}, {}};
                kept = machine.call(function, arguments);
            }
            if (truth(machine, kept)) return true;
        }
        return false;
    }
};

struct ZipIterator : Iterator {
    ZipIterator(std::vector<Iterator*> inputs, bool all_equal) : sources(std::move(inputs)), strict(all_equal) {
        name = "zip";
    }
    std::vector<Iterator*> sources;
    bool strict;
    bool next(Machine& machine, Value& value) override {
        if (sources.empty()) return false;
        std::vector<Value> items;
        for (std::size_t i = 0; i < sources.size(); ++i) {
            Value item;
            machine.step();
            if (sources[i]->next(machine, item)) {
                items.push_back(item);
                continue;
            }
            if (strict) check_lengths(machine, i);
            return false;
        }
        value = machine.make_tuple(std::move(items));
        return true;
    }
    void check_lengths(Machine& machine, std::size_t ended) {
        if (ended != 0) machine.value_error(fmt::format("zip() argument {} is shorter than the others", ended + 1));
        for (std::size_t i = 1; i < sources.size(); ++i) {
            Value ignored;
            if (sources[i]->next(machine, ignored)) {
                machine.value_error(fmt::format("zip() argument {} is longer than the others", i + 1));
            }
        }
    }
};

}  // namespace

Iterator& iterate(Machine& machine, Value value) {
    switch (value.kind()) {
        case Kind::list:
        case Kind::tuple:
            return machine.make<SequenceIterator>(value);
        case Kind::text:
            return machine.make<TextIterator>(value.text());
        case Kind::range:
            return machine.make<RangeIterator>(value.range());
        case Kind::dict:
            return machine.make<TableIterator>(value.dict().table, View::Part::keys);
        case Kind::set:
            return machine.make<TableIterator>(value.set().table, View::Part::keys);
        case Kind::view:
            return machine.make<TableIterator>(value.view().dict->table, value.view().part);
        case Kind::iterator:
            return value.iterator();
        case Kind::tags: {
            std::vector<Value> keys;
            for (const std::string_view key : machine.tag_keys()) keys.push_back(machine.make_text(to_text(key)));
            return machine.make<OwnedIterator>(std::move(keys), "dict_keyiterator");
        }
        case Kind::undefined:
            return machine.make<OwnedIterator>(std::vector<Value>(), "undefined");
        default:
            machine.type_error(fmt::format("'{}' object is not iterable", type_name(value)));
    }
}

std::vector<Value> elements_of(Machine& machine, Value value) {
    Iterator& source = iterate(machine, value);
    std::vector<Value> items;
    Value item;
    while (source.next(machine, item)) {
        machine.step();
        machine.charge(sizeof(Value));
        items.push_back(item);
    }
    return items;
}

Value reversed(Machine& machine, Value value) {
    switch (value.kind()) {
        case Kind::list:
        case Kind::tuple:
        case Kind::text:
        case Kind::range:
        case Kind::dict:
        case Kind::view:
            break;
        case Kind::tags:
            machine.fail("tag_missing", "No such tag: reversed(tags) has no meaning");
        default:
            machine.type_error(fmt::format("'{}' object is not reversible", type_name(value)));
    }
    std::vector<Value> items = elements_of(machine, value);
    std::reverse(items.begin(), items.end());
    return Value(Kind::iterator, &machine.make<OwnedIterator>(std::move(items), "reversed"));
}

Iterator& make_map(Machine& machine, Value function, std::vector<Iterator*> sources) {
    return machine.make<MapIterator>(function, std::move(sources));
}
Iterator& make_filter(Machine& machine, Value function, Iterator& source) {
    return machine.make<FilterIterator>(function, source);
}
Iterator& make_zip(Machine& machine, std::vector<Iterator*> sources, bool strict) {
    return machine.make<ZipIterator>(std::move(sources), strict);
}

std::int64_t length_of(Machine& machine, Value value) {
    const auto size = [](std::size_t n) { return static_cast<std::int64_t>(n); };
    switch (value.kind()) {
        case Kind::text:
            return size(value.text().length);
        case Kind::list:
            return size(value.list().items.size());
        case Kind::tuple:
            return size(value.tuple().items.size());
        case Kind::dict:
            return size(value.dict().table.entries.size());
        case Kind::set:
            return size(value.set().table.entries.size());
        case Kind::range:
            return value.range().length;
        case Kind::view:
            return size(value.view().dict->table.entries.size());
        case Kind::tags:
            return size(machine.tag_keys().size());
        case Kind::undefined:
            return 0;
        default:
            machine.type_error(fmt::format("object of type '{}' has no len()", type_name(value)));
    }
}

std::int64_t index_of(Machine& machine, Value value) {
    if (!value.is_integral()) {
        machine.type_error(fmt::format("'{}' object cannot be interpreted as an integer", type_name(value)));
    }
    return value.integer();
}

Value make_set(Machine& machine, Value elements, bool frozen) {
    Set& set = machine.make<Set>();
    set.frozen = frozen;
    Iterator& source = iterate(machine, elements);
    Value item;
    while (source.next(machine, item)) {
        machine.step();
        set.table.set(machine, item, Value());
    }
    return Value(Kind::set, &set);
}

}  // namespace quicksilver::rules
