#include "conversion.hpp"

#include <algorithm>
#include <cmath>

namespace quicksilver::rules {

namespace {

nlohmann::json array_of(Machine& machine, const std::vector<Value>& items) {
    nlohmann::json out = nlohmann::json::array();
    for (const Value item : items) out.push_back(to_json(machine, item));
    return out;
}

}  // namespace

nlohmann::json to_json(Machine& machine, Value value) {
    const Machine::Nested guard(machine);
    machine.step();
    switch (value.kind()) {
        case Kind::none:
        case Kind::undefined:
            return nullptr;
        case Kind::boolean:
            return value.integer() != 0;
        case Kind::integer:
            return value.integer();
        case Kind::real:
            if (std::isfinite(value.real())) return value.real();
            break;
        case Kind::text:
            return to_utf8(value.text().bytes);
        case Kind::list:
            return array_of(machine, value.list().items);
        case Kind::tuple:
            return array_of(machine, value.tuple().items);
        case Kind::set: {
            std::vector<std::pair<std::string, Value>> items;
            for (const Table::Entry& entry : value.set().table.entries) {
                items.emplace_back(repr(machine, entry.key), entry.key);
            }
            std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
            nlohmann::json out = nlohmann::json::array();
            for (const auto& [ignored, item] : items) out.push_back(to_json(machine, item));
            return out;
        }
        case Kind::dict: {
            nlohmann::json out = nlohmann::json::object();
            for (const Table::Entry& entry : value.dict().table.entries) {
                out[to_utf8(to_str(machine, entry.key))] = to_json(machine, entry.value);
            }
            return out;
        }
        default:
            break;
    }
    return to_utf8(repr(machine, value));
}

Value from_json(Machine& machine, const nlohmann::json& json) {
    const Machine::Nested guard(machine);
    switch (json.type()) {
        case nlohmann::json::value_t::boolean:
            return Value(json.get<bool>());
        case nlohmann::json::value_t::number_integer:
        case nlohmann::json::value_t::number_unsigned:
            return Value(json.get<std::int64_t>());
        case nlohmann::json::value_t::number_float:
            return Value(json.get<double>());
        case nlohmann::json::value_t::string:
            return machine.make_text(to_text(json.get_ref<const std::string&>()));
        case nlohmann::json::value_t::array: {
            std::vector<Value> items;
            for (const nlohmann::json& item : json) items.push_back(from_json(machine, item));
            return machine.make_list(std::move(items));
        }
        case nlohmann::json::value_t::object: {
            Dict& dict = machine.make<Dict>();
            for (const auto& [key, value] : json.items()) {
                dict.table.set(machine, machine.make_text(to_text(key)), from_json(machine, value));
            }
            return Value(Kind::dict, &dict);
        }
        default:
            return {};
    }
}

}  // namespace quicksilver::rules
