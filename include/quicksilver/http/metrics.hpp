#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quicksilver {

enum class MetricType { counter, gauge, histogram };

/// One value of a metric. For a histogram, `suffix` is `_bucket` (with label `le`), `_sum` or `_count`.
struct MetricSample {
    std::vector<std::pair<std::string, std::string>> labels;
    double value = 0;
    std::string suffix;
};

/// A metric with all its samples, as Prometheus groups them. Base units: seconds, bytes; counters end in `_total`.
struct MetricFamily {
    std::string name;
    std::string help;
    MetricType type = MetricType::gauge;
    std::vector<MetricSample> samples;
};

/// The media type of `to_prometheus_text`.
inline constexpr std::string_view prometheus_content_type = "text/plain; version=0.0.4; charset=utf-8";

/// Prometheus' text exposition format 0.0.4. Label values and help may hold any text; families without a sample are
/// left out.
std::string to_prometheus_text(const std::vector<MetricFamily>& families);

}  // namespace quicksilver
