#include "quicksilver/pipeline/study_verdict.hpp"

#include "quicksilver/rules/completion.hpp"

#include <fmt/format.h>

namespace quicksilver {

namespace {

/// Each text names what is missing until time runs out, so it must not change with the time.
StudyVerdict wait_for_quiet(const StudyFacts& facts) {
    StudyVerdict verdict;
    if (facts.quiet <= facts.complete_trigger) {
        verdict.due = facts.complete_trigger - facts.quiet;
        verdict.reason = fmt::format("Waits until no series has come for {:g} s", facts.complete_trigger.count());
    } else if (facts.series_arriving) {
        verdict.reason = "Waits for a series of the study that is arriving";
    } else {
        verdict.step = StudyStep::complete;
        verdict.reason = fmt::format("Complete: no series for {:g} s", facts.complete_trigger.count());
    }
    return verdict;
}

StudyVerdict wait_for_series(const TaskStudy& study) {
    const rules::Completion completion =
        rules::evaluate_completion(study.complete_required_series, study.received_series);
    StudyVerdict verdict;
    verdict.missing = completion.missing;
    if (completion.error) {
        verdict.problem = fmt::format("Invalid completion condition: {}", completion.error->message);
        verdict.reason = verdict.problem;
    } else if (completion.complete) {
        verdict.step = StudyStep::complete;
        verdict.reason = "Complete: all required series have come";
    } else {
        verdict.reason = fmt::format("Waits for required series: {}", study.complete_required_series);
    }
    return verdict;
}

StudyVerdict judge_by_condition(const TaskStudy& study, const StudyFacts& facts) {
    if (study.complete_trigger == "timeout") return wait_for_quiet(facts);
    if (study.complete_trigger == "received_series") {
        if (!study.complete_required_series.empty()) return wait_for_series(study);
        StudyVerdict verdict = wait_for_quiet(facts);
        verdict.problem = "The rule names no required series; the study completes by time";
        return verdict;
    }
    StudyVerdict verdict;
    verdict.problem = fmt::format("Unknown completion condition \"{}\"", study.complete_trigger);
    verdict.reason = verdict.problem;
    return verdict;
}

/// When the time of an incomplete study is up.
void force(const TaskStudy& study, const StudyFacts& facts, StudyVerdict& verdict) {
    const bool proceed = study.complete_force_action == "proceed";
    const bool discard = study.complete_force_action == "discard";
    if (!proceed && !discard) return;
    if (facts.age <= facts.force_trigger) {
        const Seconds left = facts.force_trigger - facts.age;
        verdict.due = verdict.due ? std::min(*verdict.due, left) : left;
        return;
    }
    verdict.step = proceed ? StudyStep::complete : StudyStep::discard;
    verdict.forced = true;
    verdict.due.reset();
    verdict.reason = fmt::format("{} after {:g} s, incomplete ({})", proceed ? "Completed" : "Discarded",
                                 facts.force_trigger.count(), verdict.reason);
}

}  // namespace

StudyVerdict judge_study(const TaskStudy& study, const StudyFacts& facts) {
    if (study.complete_force || facts.force_requested) {
        StudyVerdict verdict;
        verdict.step = StudyStep::complete;
        verdict.forced = true;
        verdict.reason = "Completion was requested";
        return verdict;
    }
    StudyVerdict verdict = judge_by_condition(study, facts);
    if (verdict.step == StudyStep::wait) force(study, facts, verdict);
    return verdict;
}

}  // namespace quicksilver
