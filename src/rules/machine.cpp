#include "machine.hpp"

#include "methods.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace quicksilver::rules {

namespace {

void add_once(std::vector<std::string>& list, std::string_view item) {
    if (std::find(list.begin(), list.end(), item) == list.end()) list.emplace_back(item);
}

constexpr std::size_t shown_value_max = 200;

/// At most so many characters, with an ellipsis.
std::string shortened(std::string text) {
    if (count_characters(text) <= shown_value_max) return text;
    std::u32string characters = to_characters(text);
    characters.resize(shown_value_max - 1);
    return to_text(characters) + "…";
}

}  // namespace

// Heap ---------------------------------------------------------------------------------------------------------------

Value Machine::make_text(std::string text) {
    const std::size_t length = count_characters(text);
    return make_text(std::move(text), length);
}

Value Machine::make_text(std::string text, std::size_t length) {
    if (length > options_.limits.string_length) {
        fail("limit_string", fmt::format("a text has at most {} characters", options_.limits.string_length));
    }
    charge(text.size());
    return Value(Kind::text, &make<Text>(std::move(text), length));
}

Value Machine::make_character(char32_t code) {
    std::string text;
    append_character(text, code);
    return Value(Kind::text, &make<Text>(std::move(text), std::size_t{1}));
}

Value Machine::make_list(std::vector<Value> items) {
    charge(items.size() * sizeof(Value));
    List& list = make<List>();
    list.items = std::move(items);
    return Value(Kind::list, &list);
}

Value Machine::make_tuple(std::vector<Value> items) {
    charge(items.size() * sizeof(Value));
    Tuple& tuple = make<Tuple>();
    tuple.items = std::move(items);
    return Value(Kind::tuple, &tuple);
}

Value Machine::make_range(std::int64_t start, std::int64_t stop, std::int64_t step) {
    Range& range = make<Range>();
    range.start = start;
    range.stop = stop;
    range.step = step;
    const auto distance = [](std::int64_t from, std::int64_t to) {
        return static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
    };
    std::uint64_t length = 0;
    if (step > 0 && start < stop) length = (distance(start, stop) - 1) / static_cast<std::uint64_t>(step) + 1;
    if (step < 0 && stop < start) length = (distance(stop, start) - 1) / (0 - static_cast<std::uint64_t>(step)) + 1;
    if (length > static_cast<std::uint64_t>(INT64_MAX)) fail("limit_integer", "the range is too long");
    range.length = static_cast<std::int64_t>(length);
    return Value(Kind::range, &range);
}

void Machine::append(List& list, Value value) {
    charge(sizeof(Value));
    list.items.push_back(value);
}

void Machine::too_many_steps() const {
    fail("limit_steps", fmt::format("the evaluation takes more than {} steps", options_.limits.steps));
}
void Machine::too_much_memory() const {
    fail("limit_memory", fmt::format("the evaluation needs more than {} bytes", options_.limits.memory_bytes));
}

// Tags ---------------------------------------------------------------------------------------------------------------

void Machine::note_extension(std::string_view name) {
    add_once(extensions_, name);
}

void Machine::tag_missing(std::string_view name) {
    add_once(tags_missing_, to_utf8(name));
    fail("tag_missing", fmt::format("No such tag '{}' in tags list.", to_utf8(name)));
}

Value Machine::read_tag(std::string_view key, const std::string& value) {
    add_once(tags_read_, key);
    for (const auto& [known, text] : tag_texts_) {
        if (known == &value) return text;
    }
    const Value text = make_text(to_text(value));
    tag_texts_.emplace_back(&value, text);
    return text;
}

const std::string* Machine::ask_header(std::string_view name) {
    if (!options_.header) return nullptr;
    for (const auto& [known, value] : header_values_) {
        if (known == name) return value.get();
    }
    std::optional<std::string> found = options_.header(to_utf8(name));
    header_values_.emplace_back(std::string(name), found ? std::make_unique<std::string>(std::move(*found)) : nullptr);
    if (found) note_extension("header");
    return header_values_.back().second.get();
}

Value Machine::tag_attribute(std::string_view name) {
    for (const auto& [overridden, value] : tag_overrides_) {
        if (overridden == name) return value;
    }
    if (const std::string* value = tags_.find(name)) return read_tag(name, *value);
    if (const std::string* value = tags_.find_ignoring_case(name)) {
        const auto same_value = [&](const Tags::Entry& entry) { return &entry.second == value; };
        const auto entry = std::find_if(tags_.entries().begin(), tags_.entries().end(), same_value);
        return read_tag(entry->first, *value);
    }
    if (const std::string* value = ask_header(name)) return read_tag(to_utf8(name), *value);
    tag_missing(name);
}

Value Machine::tag_item(Value key) {
    hash(*this, key);
    if (!key.is(Kind::text)) tag_missing(repr(*this, key));
    const std::string name = to_utf8(key.text().bytes);
    if (const std::string* value = tags_.find(name)) return read_tag(name, *value);
    if (const std::string* value = ask_header(name)) return read_tag(name, *value);
    tag_missing(name);
}

std::vector<std::string_view> Machine::tag_keys() const {
    std::vector<std::string_view> keys;
    for (const Tags::Entry& entry : tags_.entries()) {
        if (std::find(keys.begin(), keys.end(), entry.first) == keys.end()) keys.push_back(entry.first);
    }
    return keys;
}

// Variables ----------------------------------------------------------------------------------------------------------

void Machine::set_variable(std::string_view name, Value value) {
    const auto found =
        std::find_if(variables_.begin(), variables_.end(), [&](const auto& v) { return v.first == name; });
    if (found != variables_.end()) {
        found->second = value;
    } else {
        charge(name.size() + sizeof(Value));
        variables_.emplace_back(std::string(name), value);
    }
}

// Running a tree -----------------------------------------------------------------------------------------------------

Value Machine::run(const Tree& tree) {
    tree_ = &tree;
    Value result;
    for (const std::uint32_t statement : tree.statements) {
        const Node& node = tree.node(statement);
        current_ = statement;
        if (node.kind == NodeKind::expression) {
            result = value_of(tree.child(node, 0));
        } else {
            if (node.kind == NodeKind::assign) evaluate_assignment(node);
            result = Value();
        }
    }
    return result;
}

Value Machine::value_of(std::uint32_t index) {
    step();
    const Node& node = tree_->node(index);
    if (!options_.explain) return evaluate(index, node);
    const std::size_t entry = trace_.size();
    trace_.push_back({index, depth_, false, false, {}});
    ++depth_;
    const Value value = evaluate(index, node);
    --depth_;
    trace_[entry].finished = true;
    trace_[entry].truth = truth(*this, value);
    trace_[entry].value = shown(value);
    return value;
}

/// For explanations; never fails and counts no work, so that explaining changes no result.
std::string Machine::shown(Value value) {
    constexpr std::uint64_t budget = 2'000;
    const std::uint64_t steps = steps_;
    steps_ = options_.limits.steps - std::min(options_.limits.steps, budget);
    std::string text;
    try {
        text = shortened(repr(*this, value));
    } catch (const Failure&) {
        text = fmt::format("<{} too large to show>", type_name(value));
    }
    steps_ = steps;
    return text;
}

Value Machine::evaluate(std::uint32_t index, const Node& node) {
    const Tree& tree = *tree_;
    const auto child = [&](std::uint32_t i) { return value_of(tree.child(node, i)); };
    switch (node.kind) {
        case NodeKind::constant:
            return tree.constants[node.payload];
        case NodeKind::all_of:
        case NodeKind::any_of:
            return evaluate_boolean(node);
        case NodeKind::list:
        case NodeKind::tuple:
        case NodeKind::set:
            return evaluate_list(node, node.kind == NodeKind::list    ? Kind::list
                                       : node.kind == NodeKind::tuple ? Kind::tuple
                                                                      : Kind::set);
        case NodeKind::dict:
            return evaluate_dict(node);
        case NodeKind::slice:
            return evaluate_slice(node);
        case NodeKind::conditional: {
            note_extension("conditional");
            const bool chosen = truth(*this, child(0));
            return child(chosen ? 1 : 2);
        }
        default:
            break;
    }
    current_ = index;
    switch (node.kind) {
        case NodeKind::name:
            return evaluate_name(node);
        case NodeKind::percent_tag:
            note_extension("percent_tag");
            return tag_attribute(tree.names[node.payload].text);
        case NodeKind::unsupported:
            fail("unsupported", fmt::format("{} is not available in rules", tree.names[node.payload].text));
        case NodeKind::compare:
            return evaluate_comparison(node);
        case NodeKind::call:
            return evaluate_call(node);
        case NodeKind::filter:
        case NodeKind::test:
            return evaluate_filter(node);
        default:
            break;
    }
    const Value first = child(0);
    if (node.kind == NodeKind::unary) {
        current_ = index;
        return unary(*this, node.op, first);
    }
    if (node.kind == NodeKind::attribute) {
        current_ = index;
        const std::string& name = tree.names[node.payload].text;
        if (in_template_ && first.is(Kind::dict)) {
            const Table::Entry* entry = first.dict().table.find(*this, make_text(name));
            if (entry) return entry->value;
            if (!is_method(Kind::dict, name)) return Value::of_kind(Kind::undefined);
        }
        return first.is(Kind::tags) ? tags_attribute(*this, name) : attribute(*this, first, name);
    }
    const Value second = child(1);
    current_ = index;
    return node.kind == NodeKind::binary ? binary(*this, node.op, first, second) : subscript(*this, first, second);
}

Value Machine::evaluate_name(const Node& node) {
    const Name& name = tree_->names[node.payload];
    for (const auto& [known, value] : variables_) {
        if (known == name.text) return value;
    }
    if (name.text == "tags" && !in_template_) return Value::of_kind(Kind::tags);
    if (name.builtin) {
        if (name.text == "matches") note_extension("matches");
        return name.builtin->kind == FunctionKind::constant ? Value(name.builtin->constant) : Value(name.builtin);
    }
    if (in_template_) return Value::of_kind(Kind::undefined);
    const std::string shown = to_utf8(name.text);
    if (tags_.find_ignoring_case(name.text)) {
        fail("name_error", fmt::format("name '{}' is not defined; write tags.{} for the tag", shown, shown));
    }
    fail("name_error", fmt::format("name '{}' is not defined; a text needs quotes: '{}'", shown, shown));
}

Value Machine::evaluate_list(const Node& node, Kind kind) {
    std::vector<Value> items;
    items.reserve(node.count);
    for (std::uint32_t i = 0; i < node.count; ++i) items.push_back(value_of(tree_->child(node, i)));
    if (kind == Kind::list) return make_list(std::move(items));
    if (kind == Kind::tuple) return make_tuple(std::move(items));
    return make_set(*this, make_list(std::move(items)), false);
}

Value Machine::evaluate_dict(const Node& node) {
    Dict& dict = make<Dict>();
    for (std::uint32_t i = 0; i < node.count; i += 2) {
        const std::uint32_t key = tree_->child(node, i);
        // mercure's evaluator takes `**x` in a dict for the key None.
        const Value key_value = key == no_node ? Value() : value_of(key);
        dict.table.set(*this, key_value, value_of(tree_->child(node, i + 1)));
    }
    return Value(Kind::dict, &dict);
}

Value Machine::evaluate_boolean(const Node& node) {
    const bool ends_with = node.kind == NodeKind::any_of;
    Value value;
    for (std::uint32_t i = 0; i < node.count; ++i) {
        value = value_of(tree_->child(node, i));
        if (truth(*this, value) == ends_with) break;
    }
    return value;
}

Value Machine::evaluate_comparison(const Node& node) {
    const std::uint32_t index = current_;
    Value left = value_of(tree_->child(node, 0));
    for (std::uint32_t i = 1; i < node.count; ++i) {
        const Value right = value_of(tree_->child(node, i));
        current_ = index;
        if (!compare(*this, tree_->operators[node.payload + i - 1], left, right)) return Value(false);
        left = right;
    }
    return Value(true);
}

Value Machine::evaluate_slice(const Node& node) {
    const auto part = [&](std::uint32_t i) {
        const std::uint32_t child = tree_->child(node, i);
        return child == no_node ? Value() : value_of(child);
    };
    Slice& slice = make<Slice>();
    slice.start = part(0);
    slice.stop = part(1);
    slice.step = part(2);
    return Value(Kind::slice, &slice);
}

Value Machine::evaluate_filter(const Node& node) {
    const std::string& name = tree_->names[node.payload].text;
    const bool test = node.kind == NodeKind::test;
    const Function function = test ? find_test(name) : find_filter(name);
    if (!function) fail("name_error", fmt::format("there is no {} '{}'", test ? "test" : "filter", to_utf8(name)));
    Arguments arguments;
    for (std::uint32_t i = 0; i < node.count; ++i) arguments.positional.push_back(value_of(tree_->child(node, i)));
    const Value result = function(*this, arguments);
    return node.op == Operator::logical_not ? Value(!truth(*this, result)) : result;
}

Value Machine::evaluate_call(const Node& node) {
    const std::uint32_t index = current_;
    const Value function = value_of(tree_->child(node, 0));
    if (!function.is(Kind::function) && !function.is(Kind::method)) {
        current_ = index;
        type_error(fmt::format("'{}' is not callable", type_name(function)));
    }
    Arguments arguments;
    arguments.positional.reserve(node.count - 1);
    for (std::uint32_t i = 1; i < node.count; ++i) {
        const Value value = value_of(tree_->child(node, i));
        const std::uint32_t name = tree_->argument_names[node.payload + i - 1];
        if (name == Tree::positional) {
            arguments.positional.push_back(value);
        } else if (name == Tree::double_star) {
            current_ = index;
            // mercure's evaluator also takes pairs here.
            Dict& given = make<Dict>();
            Arguments source{{value}, {}};
            update_dict(*this, given, "**", source);
            for (const Table::Entry& entry : given.table.entries) {
                if (!entry.key.is(Kind::text)) type_error("keywords must be strings");
                arguments.named.emplace_back(entry.key.text().bytes, entry.value);
            }
        } else {
            const std::string& text = tree_->names[name].text;
            for (const auto& [known, ignored] : arguments.named) {
                if (known == text) fail("syntax_error", fmt::format("keyword argument repeated: {}", text));
            }
            arguments.named.emplace_back(text, value);
        }
    }
    current_ = index;
    return call(function, arguments);
}

Value Machine::call(Value function, Arguments& arguments) {
    step();
    const Nested guard(*this);
    const auto size = [](Value value) { return value.is(Kind::text) ? value.text().bytes.size() : 0; };
    std::size_t text_size = function.is(Kind::method) ? size(function.method().self) : 0;
    for (const Value argument : arguments.positional) text_size += size(argument);
    step(text_size / 16);
    if (function.is(Kind::function)) return function.builtin()->call(*this, arguments);
    if (!function.is(Kind::method)) type_error(fmt::format("'{}' is not callable", type_name(function)));
    const Method& method = function.method();
    if (!method.unbound) return method.entry->call(*this, method.self, arguments);
    if (arguments.positional.empty() || arguments.positional[0].kind() != method.owner) {
        type_error(fmt::format("method '{}' needs a value of its type as first argument", method.entry->name));
    }
    const Value self = arguments.positional[0];
    arguments.positional.erase(arguments.positional.begin());
    return method.entry->call(*this, self, arguments);
}

// Assignments: mercure allows them, and nearly always they are a `==` with one `=` missing ----------------------------

void Machine::evaluate_assignment(const Node& node) {
    const Value value = value_of(tree_->child(node, 0));
    for (std::uint32_t i = 1; i < node.count; ++i) assign(tree_->child(node, i), value);
}

void Machine::assign(std::uint32_t target, Value value) {
    const Node& node = tree_->node(target);
    current_ = target;
    switch (node.kind) {
        case NodeKind::name: {
            const std::string& name = tree_->names[node.payload].text;
            if (name == "exec" || name == "eval" || name == "execfile" || name == "__import__") {
                fail("name_error", fmt::format("invalid symbol name (reserved word?) {}", name));
            }
            return set_variable(name, value);
        }
        case NodeKind::attribute: {
            const Value owner = value_of(tree_->child(node, 0));
            const std::string& name = tree_->names[node.payload].text;
            if (!owner.is(Kind::tags)) {
                fail("attribute_error", fmt::format("'{}' object has no attribute '{}'", type_name(owner), name));
            }
            charge(name.size() + sizeof(Value));
            tag_overrides_.insert(tag_overrides_.begin(), {name, value});
            return;
        }
        case NodeKind::subscript: {
            const Value container = value_of(tree_->child(node, 0));
            const Value index = value_of(tree_->child(node, 1));
            current_ = target;
            return set_subscript(*this, container, index, value);
        }
        case NodeKind::tuple:
        case NodeKind::list: {
            if (length_of(*this, value) != static_cast<std::int64_t>(node.count)) {
                value_error("too many values to unpack");
            }
            const std::vector<Value> items = elements_of(*this, value);
            for (std::uint32_t i = 0; i < node.count && i < items.size(); ++i) assign(tree_->child(node, i), items[i]);
            return;
        }
        default:
            return;  // a starred target takes nothing in mercure's evaluator
    }
}

}  // namespace quicksilver::rules
