#pragma once

#include <map>
#include <set>
#include <string>

namespace quicksilver {

/// What one run of a module takes while it runs.
struct SlotNeeds {
    std::string module;
    unsigned module_max = 0;  ///< runs of this module at the same time; 0 = no limit
    unsigned gpus = 0;
    std::string persistence;  ///< folder that only one run may use at a time; empty = none
};

/// What is taken by the runs of now. Pure; no thread of its own.
class ModuleSlots {
public:
    /// `gpus_total` = 0: graphics processors are not counted.
    bool fits(const SlotNeeds& needs, unsigned gpus_total) const;
    void take(const SlotNeeds& needs);
    void give_back(const SlotNeeds& needs);

    unsigned gpus() const { return gpus_; }
    unsigned runs_of(const std::string& module) const;

private:
    std::map<std::string, unsigned> modules_;
    unsigned gpus_ = 0;
    std::set<std::string> persistence_;
};

}  // namespace quicksilver
