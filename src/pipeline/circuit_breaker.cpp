#include "quicksilver/pipeline/circuit_breaker.hpp"

#include <algorithm>

namespace quicksilver {

CircuitPlan circuit_plan(const RetryConfig& retry) {
    CircuitPlan plan;
    plan.first_probe = std::clamp(retry.delay, Seconds(0.1), plan.first_probe);
    return plan;
}

bool CircuitBreaker::lost(SteadyTime now) {
    switch (state_) {
        case State::closed:
            if (++failures_ < plan_.failures) return false;
            interval_ = plan_.first_probe;
            open(now);
            return true;
        case State::trial:
            // It answers probes but takes nothing, so probing more often would not help.
            interval_ = std::min(interval_ * plan_.growth, plan_.longest_probe);
            open(now);
            return true;
        case State::open:
            break;  // begun before it opened
    }
    return false;
}

bool CircuitBreaker::reached() {
    const bool was_down = state_ != State::closed;
    state_ = State::closed;
    failures_ = 0;
    return was_down;
}

void CircuitBreaker::probe_failed(SteadyTime now) {
    if (state_ != State::open) return;
    interval_ = std::min(interval_ * plan_.growth, plan_.longest_probe);
    open(now);
}

void CircuitBreaker::probe_answered() {
    if (state_ == State::open) state_ = State::trial;
}

void CircuitBreaker::look_again(SteadyTime now) {
    if (state_ != State::open) return;
    interval_ = plan_.first_probe;
    next_probe_ = now;
}

void CircuitBreaker::open(SteadyTime now) {
    state_ = State::open;
    next_probe_ = now + std::chrono::duration_cast<SteadyTime::duration>(interval_);
}

}  // namespace quicksilver
