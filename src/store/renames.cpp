#include "quicksilver/store/renames.hpp"

namespace quicksilver {

using nlohmann::json;
using Ordered = nlohmann::ordered_json;

namespace {

constexpr std::pair<const char*, journal::Renamed::Kind> kinds[] = {{"rules", journal::Renamed::Kind::rule},
                                                                    {"targets", journal::Renamed::Kind::target},
                                                                    {"modules", journal::Renamed::Kind::module}};

}  // namespace

void remember_former_name(Ordered& document, const std::string& plural, const std::string& from,
                          const std::string& to) {
    Ordered& all = document["former_names"];
    if (!all.is_object()) all = Ordered::object();
    const Ordered before = all.value(plural, Ordered::object());
    const Ordered& objects = document[plural];
    Ordered names = Ordered::object();
    for (const auto& [former, name] : before.items()) {
        const Ordered now = name == from ? Ordered(to) : name;
        const bool leads_somewhere = now.is_string() && objects.contains(now.get<std::string>());
        if (leads_somewhere && !objects.contains(former)) names[former] = now;
    }
    names[from] = to;
    all[plural] = std::move(names);
}

std::vector<journal::Renamed> renames_in(const json& changes) {
    // Of the part that changed, as deep as it lies.
    json names = json::object();
    for (const json& change : changes) {
        const std::string path = change.at("path");
        if (path.starts_with("/former_names") && change.contains("to")) names[json::json_pointer(path)] = change["to"];
    }
    std::vector<journal::Renamed> found;
    if (!names.contains("former_names")) return found;
    for (const auto& [plural, kind] : kinds) {
        const json of_kind = names["former_names"].value(plural, json::object());
        for (const auto& [from, to] : of_kind.items()) {
            if (to.is_string()) found.push_back({kind, from, to});
        }
    }
    return found;
}

}  // namespace quicksilver
