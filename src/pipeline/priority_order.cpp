#include "quicksilver/pipeline/priority_order.hpp"

#include "quicksilver/rules/plan.hpp"

namespace quicksilver {

Priority task_priority(const TaskInfo& info, const Config& config) {
    if (!info.applied_rule.empty()) return rules::pooled_priority({info.applied_rule}, config);
    return rules::pooled_priority(info.triggered_rules, config);
}

bool is_offpeak_time(const Config& config, WallTime now) {
    return is_offpeak(config.cleaner.offpeak_start, config.cleaner.offpeak_end, local_minute_of_day(now));
}

}  // namespace quicksilver
