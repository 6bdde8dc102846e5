#include "quicksilver/pipeline/module_slots.hpp"

#include <algorithm>

namespace quicksilver {

bool ModuleSlots::fits(const SlotNeeds& needs, unsigned gpus_total) const {
    if (needs.module_max > 0 && runs_of(needs.module) >= needs.module_max) return false;
    if (!needs.persistence.empty() && persistence_.contains(needs.persistence)) return false;
    if (gpus_total == 0 || needs.gpus == 0) return true;
    // One that wants more than there are gets all of them, instead of waiting for ever.
    return gpus_ + std::min(needs.gpus, gpus_total) <= gpus_total;
}

void ModuleSlots::take(const SlotNeeds& needs) {
    ++modules_[needs.module];
    gpus_ += needs.gpus;
    if (!needs.persistence.empty()) persistence_.insert(needs.persistence);
}

void ModuleSlots::give_back(const SlotNeeds& needs) {
    if (--modules_[needs.module] == 0) modules_.erase(needs.module);
    gpus_ -= needs.gpus;
    if (!needs.persistence.empty()) persistence_.erase(needs.persistence);
}

unsigned ModuleSlots::runs_of(const std::string& module) const {
    const auto found = modules_.find(module);
    return found == modules_.end() ? 0 : found->second;
}

}  // namespace quicksilver
