#include "methods.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace quicksilver::rules {

namespace {

std::span<const MethodEntry> methods_of(Kind kind) {
    switch (kind) {
        case Kind::text:
            return text_methods();
        case Kind::list:
            return list_methods();
        case Kind::tuple:
            return tuple_methods();
        case Kind::dict:
            return dict_methods();
        case Kind::set:
            return set_methods();
        case Kind::range:
            return range_methods();
        case Kind::boolean:
        case Kind::integer:
            return integer_methods();
        case Kind::real:
            return real_methods();
        default:
            return {};
    }
}

const MethodEntry* find_method(Kind kind, std::string_view name) {
    const std::span<const MethodEntry> methods = methods_of(kind);
    const auto found = std::lower_bound(methods.begin(), methods.end(), name,
                                        [](const MethodEntry& entry, std::string_view n) { return entry.name < n; });
    return found != methods.end() && found->name == name ? &*found : nullptr;
}

Value bind(Machine& machine, Value self, const MethodEntry* entry) {
    Method& method = machine.make<Method>();
    method.self = self;
    method.entry = entry;
    method.owner = self.kind();
    return Value(Kind::method, &method);
}

/// `str.lower`: the kind of value that a type makes.
Kind kind_of_type(std::string_view type) {
    constexpr std::array types{
        std::pair(std::string_view("bool"), Kind::boolean), std::pair(std::string_view("dict"), Kind::dict),
        std::pair(std::string_view("float"), Kind::real),   std::pair(std::string_view("frozenset"), Kind::set),
        std::pair(std::string_view("int"), Kind::integer),  std::pair(std::string_view("list"), Kind::list),
        std::pair(std::string_view("range"), Kind::range),  std::pair(std::string_view("set"), Kind::set),
        std::pair(std::string_view("str"), Kind::text),     std::pair(std::string_view("tuple"), Kind::tuple)};
    const auto found = std::find_if(types.begin(), types.end(), [&](const auto& t) { return t.first == type; });
    return found == types.end() ? Kind::none : found->second;
}

/// Attributes that are values, not methods.
bool property(Value value, std::string_view name, Value& out) {
    if (value.is(Kind::range)) {
        if (name == "start")
            out = Value(value.range().start);
        else if (name == "stop")
            out = Value(value.range().stop);
        else if (name == "step")
            out = Value(value.range().step);
        else
            return false;
        return true;
    }
    if (value.is(Kind::slice)) {
        if (name == "start")
            out = value.slice().start;
        else if (name == "stop")
            out = value.slice().stop;
        else if (name == "step")
            out = value.slice().step;
        else
            return false;
        return true;
    }
    if (!value.is_number()) return false;
    const bool real = value.is(Kind::real);
    if (name == "real" || (name == "numerator" && !real)) {
        out = real ? value : Value(value.integer());
    } else if (name == "imag") {
        out = real ? Value(0.0) : Value(std::int64_t{0});
    } else if (name == "denominator" && !real) {
        out = Value(std::int64_t{1});
    } else {
        return false;
    }
    return true;
}

bool is_refused(Value value, std::string_view name) {
    if (name == "mro" || (name.size() >= 2 && name.substr(0, 2) == "__" && name.substr(name.size() - 2) == "__")) {
        return true;
    }
    return value.is(Kind::text) && (name == "format" || name == "format_map");
}

}  // namespace

bool is_method(Kind kind, std::string_view name) {
    return find_method(kind, name) != nullptr;
}

Value attribute(Machine& machine, Value value, std::string_view name) {
    const auto no_attribute = [&](std::string_view why) {
        machine.fail("attribute_error",
                     fmt::format("'{}' object has no attribute '{}'{}", type_name(value), to_utf8(name), why));
    };
    if (is_refused(value, name)) no_attribute(" that rules may use");
    if (value.is(Kind::undefined)) return value;
    if (Value found; property(value, name, found)) return found;
    if (const MethodEntry* entry = find_method(value.kind(), name)) {
        const bool frozen = value.is(Kind::set) && value.set().frozen;
        constexpr std::array changing{std::string_view("add"),
                                      std::string_view("clear"),
                                      std::string_view("difference_update"),
                                      std::string_view("discard"),
                                      std::string_view("intersection_update"),
                                      std::string_view("pop"),
                                      std::string_view("remove"),
                                      std::string_view("symmetric_difference_update"),
                                      std::string_view("update")};
        if (frozen && std::find(changing.begin(), changing.end(), name) != changing.end()) no_attribute("");
        return bind(machine, value, entry);
    }
    if (value.is(Kind::function) && value.builtin()->kind == FunctionKind::type) {
        const Kind kind = kind_of_type(value.builtin()->name);
        if (is_refused(Value(kind, nullptr), name)) no_attribute(" that rules may use");
        if (const MethodEntry* entry = find_method(kind, name)) {
            const Value method = bind(machine, Value(), entry);
            method.method().owner = kind;
            method.method().unbound = name != "fromkeys";
            return method;
        }
    }
    no_attribute("");
    return {};
}

Value tags_attribute(Machine& machine, std::string_view name) {
    if (name == "_tags_dict") {
        Dict& dict = machine.make<Dict>();
        for (const std::string_view key : machine.tag_keys()) {
            dict.table.set(machine, machine.make_text(to_text(key)),
                           machine.make_text(to_text(machine.tags().get(key))));
        }
        return Value(Kind::dict, &dict);
    }
    if (name == "_tags_accessed") {
        std::vector<Value> names;
        for (const std::string& tag : machine.tags_read()) names.push_back(machine.make_text(to_text(tag)));
        return make_set(machine, machine.make_list(std::move(names)), false);
    }
    if (name == "tags_accessed") {
        static constexpr MethodEntry entry{
            "tags_accessed", [](Machine& m, Value, Arguments&) { return tags_attribute(m, "_tags_accessed"); }};
        return bind(machine, Value::of_kind(Kind::tags), &entry);
    }
    if (is_refused(Value(), name)) {
        machine.fail("attribute_error", fmt::format("no safe attribute '{}' for tags", to_utf8(name)));
    }
    return machine.tag_attribute(name);
}

}  // namespace quicksilver::rules
