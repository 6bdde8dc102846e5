#include "quicksilver/core/config.hpp"

#include <algorithm>

namespace quicksilver {

namespace {

template <class T>
const T* find_by_name(const std::vector<T>& items, std::string_view name) {
    const auto found = std::find_if(items.begin(), items.end(), [name](const T& item) { return item.name == name; });
    return found == items.end() ? nullptr : &*found;
}

}  // namespace

const TargetConfig* Config::find_target(std::string_view name) const {
    return find_by_name(targets, name);
}
const RuleConfig* Config::find_rule(std::string_view name) const {
    return find_by_name(rules, name);
}
const ModuleConfig* Config::find_module(std::string_view name) const {
    return find_by_name(modules, name);
}

}  // namespace quicksilver
