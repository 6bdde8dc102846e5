#include "machine.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace quicksilver::rules {

namespace {

std::int64_t position_in(Machine& machine, Value index, std::int64_t length, std::string_view type) {
    if (!index.is_integral()) {
        machine.type_error(fmt::format("{} indices must be integers or slices, not {}", type, type_name(index)));
    }
    const std::int64_t position = index.integer() < 0 ? index.integer() + length : index.integer();
    if (position < 0 || position >= length) machine.fail("index_error", fmt::format("{} index out of range", type));
    return position;
}

Value text_at(Machine& machine, const Text& text, std::int64_t position) {
    if (text.ascii())
        return machine.make_character(static_cast<unsigned char>(text.bytes[static_cast<std::size_t>(position)]));
    return machine.make_character(to_characters(text.bytes)[static_cast<std::size_t>(position)]);
}

Value slice_text(Machine& machine, const Text& text, const Slice& slice) {
    const SliceBounds bounds = bounds_of(machine, slice, static_cast<std::int64_t>(text.length));
    if (text.ascii() && bounds.step == 1) {
        return machine.make_text(
            text.bytes.substr(static_cast<std::size_t>(bounds.start), static_cast<std::size_t>(bounds.length)),
            static_cast<std::size_t>(bounds.length));
    }
    const std::u32string characters = to_characters(text.bytes);
    std::string out;
    for (std::int64_t i = 0; i < bounds.length; ++i) {
        append_character(out, characters[static_cast<std::size_t>(bounds.start + i * bounds.step)]);
    }
    return machine.make_text(std::move(out), static_cast<std::size_t>(bounds.length));
}

std::vector<Value> slice_items(Machine& machine, const std::vector<Value>& items, const Slice& slice) {
    const SliceBounds bounds = bounds_of(machine, slice, static_cast<std::int64_t>(items.size()));
    std::vector<Value> out;
    for (std::int64_t i = 0; i < bounds.length; ++i) {
        out.push_back(items[static_cast<std::size_t>(bounds.start + i * bounds.step)]);
    }
    return out;
}

Value slice_range(Machine& machine, const Range& range, const Slice& slice) {
    const SliceBounds bounds = bounds_of(machine, slice, range.length);
    const std::int64_t start = range.at(bounds.start), step = range.step * bounds.step;
    // An empty slice keeps its end where Python puts it, which only repr shows.
    return machine.make_range(start, start + step * bounds.length, step);
}

}  // namespace

SliceBounds bounds_of(Machine& machine, const Slice& slice, std::int64_t length) {
    const auto number = [&](Value value, std::int64_t absent) {
        if (value.is_none()) return absent;
        if (!value.is_integral()) machine.type_error("slice indices must be integers or None");
        return value.integer();
    };
    const std::int64_t step = std::max<std::int64_t>(number(slice.step, 1), -INT64_MAX);
    if (step == 0) machine.value_error("slice step cannot be zero");
    const std::int64_t lowest = step < 0 ? -1 : 0, highest = step < 0 ? length - 1 : length;
    const auto clamp = [&](Value value, std::int64_t absent) {
        std::int64_t position = number(value, absent);
        if (value.is_none()) return absent;
        if (position < 0) position = std::max(position + length, lowest);
        return std::min(position, highest);
    };
    const std::int64_t start = clamp(slice.start, step < 0 ? highest : lowest);
    const std::int64_t stop = clamp(slice.stop, step < 0 ? lowest : highest);
    std::int64_t count = 0;
    if (step > 0 && start < stop) count = (stop - start - 1) / step + 1;
    if (step < 0 && stop < start) count = (start - stop - 1) / -step + 1;
    return {start, step, count};
}

Value subscript(Machine& machine, Value container, Value index) {
    const bool sliced = index.is(Kind::slice);
    switch (container.kind()) {
        case Kind::text: {
            if (sliced) return slice_text(machine, container.text(), index.slice());
            const auto length = static_cast<std::int64_t>(container.text().length);
            return text_at(machine, container.text(), position_in(machine, index, length, "string"));
        }
        case Kind::list: {
            const std::vector<Value>& items = container.list().items;
            if (sliced) return machine.make_list(slice_items(machine, items, index.slice()));
            return items[static_cast<std::size_t>(
                position_in(machine, index, static_cast<std::int64_t>(items.size()), "list"))];
        }
        case Kind::tuple: {
            const std::vector<Value>& items = container.tuple().items;
            if (sliced) return machine.make_tuple(slice_items(machine, items, index.slice()));
            return items[static_cast<std::size_t>(
                position_in(machine, index, static_cast<std::int64_t>(items.size()), "tuple"))];
        }
        case Kind::range: {
            const Range& range = container.range();
            if (sliced) return slice_range(machine, range, index.slice());
            return Value(range.at(position_in(machine, index, range.length, "range")));
        }
        case Kind::dict: {
            const Table::Entry* entry = container.dict().table.find(machine, index);
            if (!entry) machine.fail("key_error", repr(machine, index));
            return entry->value;
        }
        case Kind::tags:
            return machine.tag_item(index);
        default:
            machine.type_error(fmt::format("'{}' object is not subscriptable", type_name(container)));
    }
}

void set_subscript(Machine& machine, Value container, Value index, Value value) {
    if (container.is(Kind::dict)) return container.dict().table.set(machine, index, value);
    if (!container.is(Kind::list)) {
        machine.type_error(fmt::format("'{}' object does not support item assignment", type_name(container)));
    }
    std::vector<Value>& items = container.list().items;
    const auto length = static_cast<std::int64_t>(items.size());
    if (!index.is(Kind::slice)) {
        items[static_cast<std::size_t>(position_in(machine, index, length, "list"))] = value;
        return;
    }
    const std::vector<Value> replacement = elements_of(machine, value);
    const SliceBounds bounds = bounds_of(machine, index.slice(), length);
    if (bounds.step == 1) {
        const auto first = items.begin() + bounds.start;
        const auto next = items.erase(first, first + bounds.length);
        items.insert(next, replacement.begin(), replacement.end());
        return;
    }
    if (static_cast<std::int64_t>(replacement.size()) != bounds.length) {
        machine.value_error(fmt::format("attempt to assign sequence of size {} to extended slice of size {}",
                                        replacement.size(), bounds.length));
    }
    for (std::int64_t i = 0; i < bounds.length; ++i) {
        items[static_cast<std::size_t>(bounds.start + i * bounds.step)] = replacement[static_cast<std::size_t>(i)];
    }
}

}  // namespace quicksilver::rules
