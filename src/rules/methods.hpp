#pragma once

#include "machine.hpp"

#include <span>

namespace quicksilver::rules {

/// The methods of a type, sorted by name; each in the file of the type.
std::span<const MethodEntry> text_methods();
std::span<const MethodEntry> list_methods();
std::span<const MethodEntry> tuple_methods();
std::span<const MethodEntry> dict_methods();
std::span<const MethodEntry> set_methods();
std::span<const MethodEntry> range_methods();
std::span<const MethodEntry> integer_methods();
std::span<const MethodEntry> real_methods();

// Shared between the files of one type.
std::u32string lower_case(const std::u32string& text);
Value do_split(Machine& machine, Value self, Arguments& arguments);
Value do_rsplit(Machine& machine, Value self, Arguments& arguments);
Value do_splitlines(Machine& machine, Value self, Arguments& arguments);
Value do_partition(Machine& machine, Value self, Arguments& arguments);
Value do_rpartition(Machine& machine, Value self, Arguments& arguments);
Value do_join(Machine& machine, Value self, Arguments& arguments);
Value do_isalnum(Machine& machine, Value self, Arguments& arguments);
Value do_isalpha(Machine& machine, Value self, Arguments& arguments);
Value do_isascii(Machine& machine, Value self, Arguments& arguments);
Value do_isdecimal(Machine& machine, Value self, Arguments& arguments);
Value do_isdigit(Machine& machine, Value self, Arguments& arguments);
Value do_isidentifier(Machine& machine, Value self, Arguments& arguments);
Value do_islower(Machine& machine, Value self, Arguments& arguments);
Value do_isnumeric(Machine& machine, Value self, Arguments& arguments);
Value do_isprintable(Machine& machine, Value self, Arguments& arguments);
Value do_isspace(Machine& machine, Value self, Arguments& arguments);
Value do_istitle(Machine& machine, Value self, Arguments& arguments);
Value do_isupper(Machine& machine, Value self, Arguments& arguments);
/// dict(…) and dict.update(…): pairs or a dict, then named arguments.
void update_dict(Machine& machine, Dict& dict, std::string_view function, Arguments& arguments);
/// Stable, like Python's sort; descending keeps the order of equal elements.
Value sorted_list(Machine& machine, std::vector<Value> items, Value key, bool descending);
/// A whole float as an integer; fails beyond 64 bits, at nan and infinity.
Value integer_from_real(Machine& machine, double value);
/// All functions, in three tables.
std::span<const Builtin> general_functions();
std::span<const Builtin> number_functions();
std::span<const Builtin> math_functions();

bool is_method(Kind kind, std::string_view name);
/// `tags.name`, where mercure's own members of the object come first.
Value tags_attribute(Machine& machine, std::string_view name);

}  // namespace quicksilver::rules
