#pragma once

#include "quicksilver/core/config.hpp"
#include "quicksilver/store/task_file.hpp"

#include <optional>
#include <string>
#include <vector>

namespace quicksilver {

enum class StudyStep {
    wait,
    complete,  ///< on to where its action sends it
    discard,
};

/// What a study that is being collected needs next, and why.
struct StudyVerdict {
    StudyStep step = StudyStep::wait;
    bool forced = false;               ///< complete or discarded although something is missing
    std::string reason;                ///< a sentence, for events and people
    std::vector<std::string> missing;  ///< texts of the required series that have not come
    std::string problem;               ///< the task's own condition cannot be used; empty: it can
    std::optional<Seconds> due;        ///< until time alone decides otherwise; nothing: it never does
};

/// What a verdict rests on besides the study itself.
struct StudyFacts {
    Seconds age{0};                 ///< since it was begun
    Seconds quiet{0};               ///< since a series joined it
    bool series_arriving = false;   ///< of the same study, still on its way through reception or routing
    bool force_requested = false;   ///< `.force-complete`
    Seconds complete_trigger{900};  ///< `study_complete_trigger`
    Seconds force_trigger{5400};    ///< `study_forcecomplete_trigger`
};

/// Contract §5.8 as a function of values. The study itself says by which condition it completes: a rule that changes or
/// goes does not change a study that is being collected.
StudyVerdict judge_study(const TaskStudy& study, const StudyFacts& facts);

}  // namespace quicksilver
