#include "quicksilver/pipeline/target_choice.hpp"

#include <algorithm>
#include <cstdint>
#include <map>

namespace quicksilver {

namespace {

/// FNV-1a with a final mix: the same on every machine and in every version, which `std::hash` does not promise.
std::uint64_t stable_hash(const std::string& text) {
    std::uint64_t hash = 0xcbf29ce484222325ULL;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    hash ^= hash >> 33;
    hash *= 0xff51afd7ed558ccdULL;
    return hash ^ (hash >> 33);
}

void order_members(std::vector<std::string>& members, const TargetConfig& group, const std::string& patient,
                   const std::map<std::string, TargetLoad>& loads) {
    if (group.choose == GroupChoice::least_busy) {
        std::ranges::stable_sort(members, {}, [&](const std::string& name) { return loads.at(name).tasks; });
    } else if (group.choose == GroupChoice::by_patient) {
        // Rendezvous hashing: every member bids for the patient, so a member that comes or goes moves only its own.
        std::ranges::stable_sort(members, std::ranges::greater{},
                                 [&](const std::string& name) { return stable_hash(patient + '\n' + name); });
    }
    std::ranges::stable_partition(members, [&](const std::string& name) { return !loads.at(name).paused; });
}

}  // namespace

std::vector<std::string> delivery_order(const TargetConfig& target, const std::string& patient,
                                        const std::function<TargetLoad(const std::string& name)>& load_of) {
    const bool is_group = target.type == "group";
    std::vector<std::string> names = is_group ? target.members : std::vector{target.name};
    if (!is_group) names.insert(names.end(), target.failover.begin(), target.failover.end());
    std::map<std::string, TargetLoad> loads;
    for (const std::string& name : names) loads[name] = load_of(name);
    if (is_group) order_members(names, target, patient, loads);
    std::erase_if(names, [&](const std::string& name) { return loads.at(name).down; });
    return names;
}

}  // namespace quicksilver
