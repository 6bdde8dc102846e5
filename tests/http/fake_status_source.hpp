#pragma once

#include "quicksilver/http/status_source.hpp"

namespace quicksilver::test {

/// A pipeline that shows what the test says.
struct FakeStatusSource final : StatusSource {
    Readiness readiness() const override { return ready; }
    PipelineStatus pipeline() const override { return status; }
    std::vector<MetricFamily> metrics() const override { return families; }

    Readiness ready;
    PipelineStatus status;
    std::vector<MetricFamily> families;
};

}  // namespace quicksilver::test
