#pragma once

#include "text.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace quicksilver::rules {

class Machine;
struct Builtin;
struct Text;
struct List;
struct Tuple;
struct Dict;
struct Set;
struct Range;
struct Slice;
struct Iterator;
struct View;
struct Method;

enum class Kind : std::uint8_t {
    none,
    boolean,
    integer,
    real,
    text,
    list,
    tuple,
    dict,
    set,
    range,
    slice,
    iterator,
    view,
    function,
    method,
    tags,
    ellipsis,
    undefined,  // templates only
};

/// What lives in the evaluation's heap; freed all at once with it, so that cycles cannot leak.
struct Object {
    Object() = default;
    Object(const Object&) = delete;
    Object& operator=(const Object&) = delete;
    virtual ~Object() = default;
};

/// A value of the rule language. Small; objects belong to the heap of the evaluation or to the syntax tree.
class Value {
public:
    Value() : integer_(0) {}
    explicit Value(bool value) : kind_(Kind::boolean), integer_(value ? 1 : 0) {}
    explicit Value(std::int64_t value) : kind_(Kind::integer), integer_(value) {}
    explicit Value(double value) : kind_(Kind::real), real_(value) {}
    explicit Value(const Builtin* function) : kind_(Kind::function), builtin_(function) {}
    Value(Kind kind, Object* object) : kind_(kind), object_(object) {}
    static Value of_kind(Kind kind) {
        Value value;
        value.kind_ = kind;
        return value;
    }

    Kind kind() const { return kind_; }
    bool is(Kind kind) const { return kind_ == kind; }
    bool is_none() const { return kind_ == Kind::none; }
    /// bool is a kind of int, as in Python.
    bool is_integral() const { return kind_ == Kind::integer || kind_ == Kind::boolean; }
    bool is_number() const { return is_integral() || kind_ == Kind::real; }

    std::int64_t integer() const { return integer_; }
    double real() const { return kind_ == Kind::real ? real_ : static_cast<double>(integer_); }
    const Builtin* builtin() const { return builtin_; }
    Object* object() const { return object_; }

    const Text& text() const;
    List& list() const;
    Tuple& tuple() const;
    Dict& dict() const;
    Set& set() const;
    Range& range() const;
    Slice& slice() const;
    Iterator& iterator() const;
    View& view() const;
    Method& method() const;

private:
    Kind kind_ = Kind::none;
    union {
        std::int64_t integer_;
        double real_;
        const Builtin* builtin_;
        Object* object_;
    };
};

struct Text : Object {
    Text(std::string characters, std::size_t count) : bytes(std::move(characters)), length(count) {}
    std::string bytes;   // UTF-8, see text.hpp
    std::size_t length;  // characters
    bool ascii() const { return length == bytes.size(); }
};

struct List : Object {
    std::vector<Value> items;
};

struct Tuple : Object {
    std::vector<Value> items;
};

/// Keys in the order of insertion with their values; sets use the keys only.
class Table {
public:
    struct Entry {
        std::uint64_t hash;
        Value key, value;
    };

    /// Null when absent. Fails when the key is a list, dict or set.
    Entry* find(Machine& machine, Value key);
    /// The first key stays when an equal one is set again, as in Python.
    void set(Machine& machine, Value key, Value value);
    /// False when absent.
    bool erase(Machine& machine, Value key);
    void clear();

    std::vector<Entry> entries;

private:
    Entry* find_hashed(Machine& machine, Value key, std::uint64_t hash);
    std::unordered_multimap<std::uint64_t, std::size_t> index_;  // kept once there are more than a few entries
};

struct Dict : Object {
    Table table;
};

struct Set : Object {
    Table table;
    bool frozen = false;
};

struct Range : Object {
    std::int64_t start = 0, stop = 0, step = 1;
    std::int64_t length = 0;
    std::int64_t at(std::int64_t index) const { return start + index * step; }
};

struct Slice : Object {
    Value start, stop, step;
};

/// What map, filter, zip, reversed and loops draw values from.
struct Iterator : Object {
    /// False at the end.
    virtual bool next(Machine& machine, Value& value) = 0;
    std::string_view name = "iterator";
};

/// dict.keys(), .values(), .items().
struct View : Object {
    enum class Part { keys, values, items };
    Dict* dict = nullptr;
    Part part = Part::keys;
};

/// Arguments of one call.
struct Arguments {
    std::vector<Value> positional;
    std::vector<std::pair<std::string, Value>> named;
};

using Function = Value (*)(Machine&, Arguments&);
using MethodFunction = Value (*)(Machine&, Value self, Arguments&);

enum class FunctionKind : std::uint8_t { function, type, constant };

struct Builtin {
    std::string_view name;
    Function call = nullptr;
    FunctionKind kind = FunctionKind::function;
    double constant = 0;  // pi, e
};

/// Null when mercure has no such name.
const Builtin* find_builtin(std::string_view name);

struct MethodEntry {
    std::string_view name;
    MethodFunction call;
};

/// A method of a value, not called yet; `unbound` is `str.lower`, which takes the value as first argument.
struct Method : Object {
    Value self;
    const MethodEntry* entry = nullptr;
    Kind owner = Kind::none;
    bool unbound = false;
};

inline const Text& Value::text() const {
    return *static_cast<const Text*>(object_);
}
inline List& Value::list() const {
    return *static_cast<List*>(object_);
}
inline Tuple& Value::tuple() const {
    return *static_cast<Tuple*>(object_);
}
inline Dict& Value::dict() const {
    return *static_cast<Dict*>(object_);
}
inline Set& Value::set() const {
    return *static_cast<Set*>(object_);
}
inline Range& Value::range() const {
    return *static_cast<Range*>(object_);
}
inline Slice& Value::slice() const {
    return *static_cast<Slice*>(object_);
}
inline Iterator& Value::iterator() const {
    return *static_cast<Iterator*>(object_);
}
inline View& Value::view() const {
    return *static_cast<View*>(object_);
}
inline Method& Value::method() const {
    return *static_cast<Method*>(object_);
}

/// Python's name of the type, for messages: `str`, `int` …
std::string_view type_name(Value value);

bool truth(Machine& machine, Value value);
bool equal(Machine& machine, Value a, Value b);
/// Identity, or equality: how lists and sets search.
bool same(Machine& machine, Value a, Value b);
bool identical(Value a, Value b);
std::uint64_t hash(Machine& machine, Value value);
/// -1, 0, 1, or 2 for unordered (nan); both must be numbers.
int compare_numbers(Value a, Value b);
std::string repr(Machine& machine, Value value);
std::string to_str(Machine& machine, Value value);

}  // namespace quicksilver::rules
