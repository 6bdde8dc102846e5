#include "quicksilver/http/metrics.hpp"

#include "support/catch.hpp"

#include <cmath>
#include <limits>

using namespace quicksilver;

TEST_CASE("A metric is written in Prometheus' text format", "[http][metrics]") {
    struct Case {
        const char* what;
        MetricFamily family;
        const char* text;
    };
    const double inf = std::numeric_limits<double>::infinity();
    const std::vector<Case> cases = {
        {"a counter",
         {"qs_bytes_total", "Bytes received", MetricType::counter, {{{}, 4294967296.0, ""}}},
         "# HELP qs_bytes_total Bytes received\n# TYPE qs_bytes_total counter\nqs_bytes_total 4294967296\n"},
        {"labels",
         {"qs_queue", "", MetricType::gauge, {{{{"stage", "route"}, {"target", "a"}}, 1.5, ""}}},
         "# TYPE qs_queue gauge\nqs_queue{stage=\"route\",target=\"a\"} 1.5\n"},
        {"escapes in a label",
         {"qs_queue", "", MetricType::gauge, {{{{"target", "a\"b\\c\nd"}}, 0, ""}}},
         "# TYPE qs_queue gauge\nqs_queue{target=\"a\\\"b\\\\c\\nd\"} 0\n"},
        {"escapes in the help",
         {"qs_x", "a \"b\" \\ c\nd", MetricType::gauge, {{{}, -1, ""}}},
         "# HELP qs_x a \"b\" \\\\ c\\nd\n# TYPE qs_x gauge\nqs_x -1\n"},
        {"what is no number",
         {"qs_x", "", MetricType::gauge, {{{}, inf, ""}, {{}, -inf, ""}, {{}, std::nan(""), ""}}},
         "# TYPE qs_x gauge\nqs_x +Inf\nqs_x -Inf\nqs_x NaN\n"},
        {"a histogram",
         {"qs_s",
          "",
          MetricType::histogram,
          {{{{"le", "0.1"}}, 1, "_bucket"}, {{{"le", "+Inf"}}, 2, "_bucket"}, {{}, 0.25, "_sum"}, {{}, 2, "_count"}}},
         "# TYPE qs_s histogram\nqs_s_bucket{le=\"0.1\"} 1\nqs_s_bucket{le=\"+Inf\"} 2\nqs_s_sum 0.25\nqs_s_count 2\n"},
        {"no sample", {"qs_x", "never", MetricType::gauge, {}}, ""},
    };
    for (const Case& one : cases) {
        INFO(one.what);
        CHECK(to_prometheus_text({one.family}) == one.text);
    }
}
