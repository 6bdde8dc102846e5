#include "quicksilver/pipeline/targets/commitment_reports.hpp"

#include <algorithm>
#include <utility>

namespace quicksilver {

void CommitmentReports::expect(const Key& delivery, const std::string& transaction_uid) {
    const std::lock_guard lock(mutex_);
    waiting_[delivery] = Waiting{++numbers_, transaction_uid, std::nullopt};
    if (waiting_.size() <= waiting_max) return;
    const auto asked_earlier = [](const auto& a, const auto& b) { return a.second.number < b.second.number; };
    waiting_.erase(std::ranges::min_element(waiting_, asked_earlier));
}

bool CommitmentReports::take_in(dicom::CommitmentReport report) {
    Key delivery;
    {
        const std::lock_guard lock(mutex_);
        const auto is_meant = [&](const auto& entry) { return entry.second.transaction_uid == report.transaction_uid; };
        const auto found = std::ranges::find_if(waiting_, is_meant);
        if (found == waiting_.end()) return false;
        delivery = found->first;
        found->second.report = std::move(report);
    }
    if (tell_) tell_(delivery);
    return true;
}

bool CommitmentReports::has_come(const Key& delivery) const {
    const std::lock_guard lock(mutex_);
    const auto found = waiting_.find(delivery);
    return found != waiting_.end() && found->second.report;
}

std::optional<dicom::CommitmentReport> CommitmentReports::collect(const Key& delivery) {
    const std::lock_guard lock(mutex_);
    const auto found = waiting_.find(delivery);
    if (found == waiting_.end() || !found->second.report) return std::nullopt;
    auto report = std::move(found->second.report);
    waiting_.erase(found);
    return report;
}

}  // namespace quicksilver
