#include "machine.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace quicksilver::rules {

ArgumentReader& ArgumentReader::count(std::size_t least, std::size_t most) {
    const std::size_t given = arguments_.positional.size();
    if (given >= least && given <= most) return *this;
    const std::string wanted = least == most ? fmt::format("{}", least) : fmt::format("{} to {}", least, most);
    machine_.type_error(fmt::format("{}() takes {} arguments, not {}", function_, wanted, given));
}

ArgumentReader& ArgumentReader::no_names() {
    if (!arguments_.named.empty()) machine_.type_error(fmt::format("{}() takes no keyword arguments", function_));
    return *this;
}

bool ArgumentReader::has_named(std::string_view name) const {
    return std::any_of(arguments_.named.begin(), arguments_.named.end(),
                       [&](const auto& a) { return a.first == name; });
}

Value ArgumentReader::named(std::string_view name, Value fallback) {
    const auto found =
        std::find_if(arguments_.named.begin(), arguments_.named.end(), [&](const auto& a) { return a.first == name; });
    if (found == arguments_.named.end()) return fallback;
    const Value value = found->second;
    arguments_.named.erase(found);
    return value;
}

Value ArgumentReader::at_or_named(std::size_t position, std::string_view name, Value fallback) {
    if (!has(position)) return named(name, fallback);
    if (has_named(name)) machine_.type_error(fmt::format("{}() got '{}' twice", function_, name));
    return arguments_.positional[position];
}

void ArgumentReader::finish() {
    if (arguments_.named.empty()) return;
    machine_.type_error(fmt::format("{}() has no argument named '{}'", function_, arguments_.named.front().first));
}

const Text& need_text(Machine& machine, Value value, std::string_view where) {
    if (!value.is(Kind::text)) machine.type_error(fmt::format("{} needs a text, not {}", where, type_name(value)));
    return value.text();
}

}  // namespace quicksilver::rules
