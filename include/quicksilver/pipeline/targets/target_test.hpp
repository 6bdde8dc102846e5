#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/core/stop_flag.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

/// One step of testing a target.
struct TestStep {
    std::string name;  ///< dns, tcp, tls, associate, auth, echo, commitment, folder, write
    bool ok = false;
    std::chrono::milliseconds took{0};
    std::string detail;  ///< what was found, or the reason of the failure
    std::string hint;    ///< of a failure: what a person can do about it
};

/// Runs the steps of a target's test one after the other and stops at the first that fails. One thread.
class TargetTest {
public:
    enum class Depth {
        reach,  ///< only whether it answers; leaves nothing there. For looking whether a target is back
        full,   ///< all steps, write access too
    };
    using Observer = std::function<void(const TestStep&)>;
    /// What to do about a failure.
    using Hint = std::function<std::string(const Error&)>;

    TargetTest(Depth depth, const StopFlag& stop, Observer on_step = {})
        : depth_(depth), stop_(stop), on_step_(std::move(on_step)) {}

    bool is_full() const { return depth_ == Depth::full; }
    const StopFlag& stop() const { return stop_; }

    /// Runs one step, unless an earlier one failed. `work` gives the detail. False when the test is over.
    bool step(std::string_view name, const std::function<Result<std::string>()>& work, const Hint& hint = {});
    bool step(std::string_view name, const std::function<Result<std::string>()>& work, std::string hint);

    const std::vector<TestStep>& steps() const { return steps_; }
    bool ok() const { return !steps_.empty() && steps_.back().ok; }
    /// The failed step as one sentence with its hint, or what the last one found.
    std::string summary() const;
    /// Of the failed step.
    Errc code() const { return code_; }

private:
    Depth depth_;
    const StopFlag& stop_;
    Observer on_step_;
    std::vector<TestStep> steps_;
    Errc code_ = Errc::invalid;
};

}  // namespace quicksilver
