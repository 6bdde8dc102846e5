#include "quicksilver/pipeline/targets/target_test.hpp"

#include <fmt/format.h>

namespace quicksilver {

bool TargetTest::step(std::string_view name, const std::function<Result<std::string>()>& work, const Hint& hint) {
    if (!steps_.empty() && !steps_.back().ok) return false;
    const auto began = std::chrono::steady_clock::now();
    const Result<std::string> result = stop_ ? Error{Errc::cancelled, "stopped"} : work();
    const auto took = std::chrono::steady_clock::now() - began;

    TestStep step;
    step.name = name;
    step.ok = result.ok();
    step.took = std::chrono::duration_cast<std::chrono::milliseconds>(took);
    step.detail = result ? *result : result.error().message;
    if (!result) {
        code_ = result.error().code;
        if (hint) step.hint = hint(result.error());
    }
    steps_.push_back(std::move(step));
    if (on_step_) on_step_(steps_.back());
    return steps_.back().ok;
}

bool TargetTest::step(std::string_view name, const std::function<Result<std::string>()>& work, std::string hint) {
    return step(name, work, [&hint](const Error&) { return hint; });
}

std::string TargetTest::summary() const {
    if (steps_.empty()) return "nothing was tested";
    const TestStep& last = steps_.back();
    if (last.ok || last.hint.empty()) return last.detail;
    return fmt::format("{} ({})", last.detail, last.hint);
}

}  // namespace quicksilver
