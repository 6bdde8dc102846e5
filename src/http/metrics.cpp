#include "quicksilver/http/metrics.hpp"

#include <fmt/format.h>

#include <cmath>

namespace quicksilver {

namespace {

std::string_view name_of(MetricType type) {
    switch (type) {
        case MetricType::counter:
            return "counter";
        case MetricType::gauge:
            return "gauge";
        case MetricType::histogram:
            return "histogram";
    }
    return "untyped";
}

/// Backslash and line end are escaped everywhere, quotation marks in label values only.
std::string escape(std::string_view text, bool in_label) {
    std::string escaped;
    escaped.reserve(text.size());
    for (const char c : text) {
        if (c == '\\') {
            escaped += "\\\\";
        } else if (c == '\n') {
            escaped += "\\n";
        } else if (c == '"' && in_label) {
            escaped += "\\\"";
        } else {
            escaped += c;
        }
    }
    return escaped;
}

std::string as_number(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    // Counts of bytes stay readable: 4294967296 and not 4.294967296e+09.
    if (value == std::floor(value) && std::abs(value) < 9007199254740992.0) return fmt::format("{:.0f}", value);
    return fmt::format("{}", value);
}

void append_sample(std::string& text, const MetricFamily& family, const MetricSample& sample) {
    text += family.name;
    text += sample.suffix;
    char separator = '{';
    for (const auto& [name, value] : sample.labels) {
        text += fmt::format("{}{}=\"{}\"", separator, name, escape(value, true));
        separator = ',';
    }
    if (!sample.labels.empty()) text += '}';
    text += ' ';
    text += as_number(sample.value);
    text += '\n';
}

}  // namespace

std::string to_prometheus_text(const std::vector<MetricFamily>& families) {
    std::string text;
    for (const MetricFamily& family : families) {
        if (family.samples.empty()) continue;
        if (!family.help.empty()) text += fmt::format("# HELP {} {}\n", family.name, escape(family.help, false));
        text += fmt::format("# TYPE {} {}\n", family.name, name_of(family.type));
        for (const MetricSample& sample : family.samples) append_sample(text, family, sample);
    }
    return text;
}

}  // namespace quicksilver
