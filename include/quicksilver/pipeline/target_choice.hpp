#pragma once

#include "quicksilver/core/config.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace quicksilver {

/// How a target stands at the moment.
struct TargetLoad {
    bool down = false;      ///< its circuit is open
    bool paused = false;    ///< by a person
    std::size_t tasks = 0;  ///< waiting and being sent
};

/// Where a delivery that is meant for `target` may go, best first; those that are down are left out, so nothing may be
/// left. Pure.
///  - An ordinary target: itself, then its `failover` list in order.
///  - A group: its members as `choose` says; paused ones last. By patient, each member gets its share of the patients,
///    and when one is down only its patients go elsewhere, so studies stay together.
std::vector<std::string> delivery_order(const TargetConfig& target, const std::string& patient,
                                        const std::function<TargetLoad(const std::string& name)>& load_of);

}  // namespace quicksilver
