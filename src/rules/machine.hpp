#pragma once

#include "quicksilver/core/tags.hpp"
#include "quicksilver/rules/expression.hpp"

#include "syntax.hpp"
#include "value.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quicksilver::rules {

/// An evaluation's error: thrown inside the language, caught in evaluate().
struct Failure {
    const char* code;  // Python's exception in small letters, tag_missing, unsupported, limit_…
    std::string message;
};

/// One evaluation of one tree: its heap, its names, its limits. Lives as long as the evaluation.
class Machine {
public:
    /// In a template an unknown name is undefined instead of an error, and there are no tags.
    Machine(const Tags& tags, const EvaluationOptions& options, bool in_template = false)
        : tags_(tags), options_(options), in_template_(in_template) {}
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    [[noreturn]] void fail(const char* code, std::string message) const { throw Failure{code, std::move(message)}; }
    [[noreturn]] void type_error(std::string message) const { fail("type_error", std::move(message)); }
    [[noreturn]] void value_error(std::string message) const { fail("value_error", std::move(message)); }

    /// Counts work; fails at the limit.
    void step(std::uint64_t count = 1) {
        if ((steps_ += count) > options_.limits.steps) too_many_steps();
    }
    /// Counts the work of looking for one text in another.
    void step_search(std::size_t text_size, std::size_t part_size) { step(text_size * (part_size + 8) / 1024); }
    /// Counts memory; fails at the limit.
    void charge(std::size_t bytes) {
        if ((memory_ += bytes) > options_.limits.memory_bytes) too_much_memory();
    }
    const ExpressionLimits& limits() const { return options_.limits; }
    const EvaluationOptions& options() const { return options_; }

    template <class T, class... A>
    T& make(A&&... arguments) {
        charge(sizeof(T) + 32);
        auto object = std::make_unique<T>(std::forward<A>(arguments)...);
        T& made = *object;
        heap_.push_back(std::move(object));
        return made;
    }
    Value make_text(std::string text);
    Value make_text(std::string text, std::size_t length);
    Value make_character(char32_t code);
    Value make_list(std::vector<Value> items);
    Value make_tuple(std::vector<Value> items);
    Value make_range(std::int64_t start, std::int64_t stop, std::int64_t step);
    void append(List& list, Value value);

    // Running a tree ------------------------------------------------------------------------------------------------

    Value run(const Tree& tree);
    /// One node and what is below; records it when asked to explain.
    Value value_of(std::uint32_t node);
    /// The node that was being evaluated last: where an error is.
    std::uint32_t current() const { return current_; }
    const std::vector<std::string>& tags_read() const { return tags_read_; }
    const std::vector<std::string>& tags_missing() const { return tags_missing_; }
    const std::vector<std::string>& extensions() const { return extensions_; }
    void note_extension(std::string_view name);

    struct Trace {
        std::uint32_t node;
        unsigned depth;
        bool truth;
        bool finished;
        std::string value;
    };
    const std::vector<Trace>& trace() const { return trace_; }

    Value call(Value function, Arguments& arguments);
    /// `tags.Name`
    Value tag_attribute(std::string_view name);
    /// `tags["Name"]`
    Value tag_item(Value key);
    const Tags& tags() const { return tags_; }
    /// Every key once, in order.
    std::vector<std::string_view> tag_keys() const;
    void set_variable(std::string_view name, Value value);
    /// How many variables there are, and a return to fewer: the end of a template's block.
    using Variables = std::vector<std::pair<std::string, Value>>;
    const Variables& variables() const { return variables_; }
    void restore_variables(Variables variables) { variables_ = std::move(variables); }

    /// Guards against values that contain themselves.
    class Nested {
    public:
        explicit Nested(Machine& machine) : machine_(machine) {
            if (++machine_.nested_ > 200) machine_.fail("limit_nesting", "a value lies too deep inside others");
        }
        ~Nested() { --machine_.nested_; }
        Nested(const Nested&) = delete;
        Nested& operator=(const Nested&) = delete;

    private:
        Machine& machine_;
    };

private:
    [[noreturn]] void too_many_steps() const;
    [[noreturn]] void too_much_memory() const;
    [[noreturn]] void tag_missing(std::string_view name);
    Value read_tag(std::string_view key, const std::string& value);
    const std::string* ask_header(std::string_view name);

    std::string shown(Value value);
    Value evaluate(std::uint32_t index, const Node& node);
    Value evaluate_name(const Node& node);
    Value evaluate_list(const Node& node, Kind kind);
    Value evaluate_dict(const Node& node);
    Value evaluate_boolean(const Node& node);
    Value evaluate_comparison(const Node& node);
    Value evaluate_call(const Node& node);
    Value evaluate_slice(const Node& node);
    Value evaluate_filter(const Node& node);
    void evaluate_assignment(const Node& node);
    void assign(std::uint32_t target, Value value);

    const Tags& tags_;
    const EvaluationOptions& options_;
    bool in_template_;
    const Tree* tree_ = nullptr;
    std::uint32_t current_ = 0;
    unsigned depth_ = 0;
    unsigned nested_ = 0;
    std::uint64_t steps_ = 0;
    std::size_t memory_ = 0;
    std::vector<std::unique_ptr<Object>> heap_;
    std::vector<std::pair<std::string, Value>> variables_;
    std::vector<std::pair<std::string, Value>> tag_overrides_;  // `tags.Name = …`
    std::vector<std::pair<std::string, std::unique_ptr<std::string>>> header_values_;
    std::vector<std::pair<const std::string*, Value>> tag_texts_;
    std::vector<std::string> tags_read_, tags_missing_, extensions_;
    std::vector<Trace> trace_;
};

// Operations, each in the file of its name ---------------------------------------------------------------------------

Value unary(Machine& machine, Operator op, Value operand);
Value binary(Machine& machine, Operator op, Value left, Value right);
/// Without the limit that `**` has.
Value power(Machine& machine, Value left, Value right);
bool compare(Machine& machine, Operator op, Value left, Value right);
bool contains(Machine& machine, Value container, Value item);
Value subscript(Machine& machine, Value container, Value index);
void set_subscript(Machine& machine, Value container, Value index, Value value);
/// `value.name`, not called; `plain` tells properties (range.start) from methods.
Value attribute(Machine& machine, Value value, std::string_view name);

/// Text operator `%`, and format().
std::string percent_format(Machine& machine, std::string_view pattern, Value arguments);
std::string format_value(Machine& machine, Value value, std::string_view specification);

/// Start, stop and step of a slice over `length` elements.
struct SliceBounds {
    std::int64_t start, step, length;
};
SliceBounds bounds_of(Machine& machine, const Slice& slice, std::int64_t length);

// Templates ----------------------------------------------------------------------------------------------------------

/// Null when there is no such filter or test. The first argument is the value.
Function find_filter(std::string_view name);
Function find_test(std::string_view name);

// Iteration ----------------------------------------------------------------------------------------------------------

/// Fails when the value cannot be iterated.
Iterator& iterate(Machine& machine, Value value);
std::vector<Value> elements_of(Machine& machine, Value value);
Value reversed(Machine& machine, Value value);
Iterator& make_map(Machine& machine, Value function, std::vector<Iterator*> sources);
Iterator& make_filter(Machine& machine, Value function, Iterator& source);
Iterator& make_zip(Machine& machine, std::vector<Iterator*> sources, bool strict);
/// Number of elements; fails when it has none (len).
std::int64_t length_of(Machine& machine, Value value);
/// An integer where one is needed (index, count); bool counts.
std::int64_t index_of(Machine& machine, Value value);
Value make_set(Machine& machine, Value elements, bool frozen);

// Arguments of builtins ----------------------------------------------------------------------------------------------

/// Reads the arguments of one call and fails like Python when they do not fit.
class ArgumentReader {
public:
    ArgumentReader(Machine& machine, std::string_view function, Arguments& arguments)
        : machine_(machine), function_(function), arguments_(arguments) {}
    /// Number of positional arguments must be in [least, most].
    ArgumentReader& count(std::size_t least, std::size_t most);
    ArgumentReader& no_names();
    /// Takes a named argument out; `fallback` when absent.
    Value named(std::string_view name, Value fallback);
    bool has_named(std::string_view name) const;
    /// Positional or named.
    Value at_or_named(std::size_t position, std::string_view name, Value fallback);
    /// All named ones must have been taken.
    void finish();
    bool has(std::size_t position) const { return position < arguments_.positional.size(); }
    Value operator[](std::size_t position) const { return arguments_.positional[position]; }
    std::size_t size() const { return arguments_.positional.size(); }

private:
    Machine& machine_;
    std::string_view function_;
    Arguments& arguments_;
};

const Text& need_text(Machine& machine, Value value, std::string_view where);

}  // namespace quicksilver::rules
