#include "target_health.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

namespace quicksilver::api {

using nlohmann::json;

namespace {

constexpr std::int64_t buckets_max = 96;
constexpr auto bucket_min = std::chrono::seconds(60);

struct Bucket {
    std::uint64_t ok = 0, failed = 0;
};

}  // namespace

json quantile(std::vector<double>& values, double part) {
    if (values.empty()) return nullptr;
    std::ranges::sort(values);
    const auto place = static_cast<std::size_t>(std::ceil(part * static_cast<double>(values.size())));
    return std::round(values[std::clamp<std::size_t>(place, 1, values.size()) - 1] * 1000) / 1000;
}

json delivery_statistics(const std::vector<EventItem>& events, WallTime since, WallTime now) {
    const auto window = std::max<WallTime::duration>(now - since, bucket_min);
    const auto length = std::max<WallTime::duration>(window / buckets_max, bucket_min);
    std::vector<Bucket> buckets(static_cast<std::size_t>((window + length - WallTime::duration(1)) / length));
    std::map<std::string, WallTime> begun;
    std::vector<double> seconds;
    Bucket all;
    for (const EventItem& event : events) {
        const auto time = parse_rfc3339(event.time);
        if (!time) continue;
        if (event.event == "DISPATCH_BEGIN") {
            begun[event.task_id] = *time;
            continue;
        }
        const auto behind = std::max(*time - since, WallTime::duration::zero()) / length;
        Bucket& bucket = buckets[std::min(static_cast<std::size_t>(behind), buckets.size() - 1)];
        const bool ok = event.event == "DISPATCH_COMPLETE";
        ++(ok ? bucket.ok : bucket.failed);
        ++(ok ? all.ok : all.failed);
        const auto begin = begun.find(event.task_id);
        if (ok && begin != begun.end()) {
            seconds.push_back(std::chrono::duration<double>(*time - begin->second).count());
        }
    }
    json shown = json::array();
    for (std::size_t n = 0; n < buckets.size(); ++n) {
        const WallTime begin = since + length * static_cast<std::int64_t>(n);
        shown.push_back({{"t", rfc3339(begin)}, {"ok", buckets[n].ok}, {"failed", buckets[n].failed}});
    }
    return {{"deliveries",
             {{"ok", all.ok},
              {"failed", all.failed},
              {"p50_s", quantile(seconds, 0.5)},
              {"p95_s", quantile(seconds, 0.95)}}},
            {"buckets", std::move(shown)}};
}

}  // namespace quicksilver::api
