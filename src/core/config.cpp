#include "quicksilver/core/config.hpp"

#include <algorithm>

namespace quicksilver {

namespace {

template <class T>
const T* find_by_name(const std::vector<T>& items, std::string_view name) {
    const auto found = std::find_if(items.begin(), items.end(), [name](const T& item) { return item.name == name; });
    return found == items.end() ? nullptr : &*found;
}

/// What an object was called before it was renamed still names it, unless another one has that name now.
template <class T>
const T* find_by_any_name(const std::vector<T>& items, std::string_view name, const nlohmann::ordered_json& document,
                          const char* plural) {
    if (const T* found = find_by_name(items, name)) return found;
    const auto all = document.find("former_names");
    if (all == document.end() || !all->is_object()) return nullptr;
    const auto names = all->find(plural);
    if (names == all->end() || !names->is_object()) return nullptr;
    const auto known = names->find(std::string(name));
    if (known == names->end() || !known->is_string()) return nullptr;
    return find_by_name(items, known->template get_ref<const std::string&>());
}

}  // namespace

const TargetConfig* Config::find_target(std::string_view name) const {
    return find_by_any_name(targets, name, document, "targets");
}
const RuleConfig* Config::find_rule(std::string_view name) const {
    return find_by_any_name(rules, name, document, "rules");
}
const ModuleConfig* Config::find_module(std::string_view name) const {
    return find_by_any_name(modules, name, document, "modules");
}

}  // namespace quicksilver
