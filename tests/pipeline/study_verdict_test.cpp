#include "quicksilver/pipeline/study_verdict.hpp"

#include "support/catch.hpp"

using namespace quicksilver;

namespace {

TaskStudy study_with(const char* trigger, const char* required, std::vector<std::string> received,
                     const char* force_action) {
    TaskStudy study;
    study.complete_trigger = trigger;
    study.complete_required_series = required;
    study.received_series = std::move(received);
    study.complete_force_action = force_action;
    return study;
}

StudyFacts facts_of(int age, int quiet, bool arriving = false, bool force_requested = false) {
    StudyFacts facts;
    facts.age = Seconds(age);
    facts.quiet = Seconds(quiet);
    facts.series_arriving = arriving;
    facts.force_requested = force_requested;
    facts.complete_trigger = Seconds(900);
    facts.force_trigger = Seconds(5400);
    return facts;
}

}  // namespace

TEST_CASE("A study is complete, waits or is forced as mercure has it", "[pipeline][studies]") {
    const auto wait = StudyStep::wait, complete = StudyStep::complete, discard = StudyStep::discard;
    struct Case {
        const char *trigger, *required;
        std::vector<std::string> received;
        const char* force_action;
        StudyFacts facts;
        StudyStep step;
        bool forced;
        int due;  // -1: never by time alone
    };
    const Case cases[] = {
        // by time
        {"timeout", "", {"T1"}, "discard", facts_of(10, 10), wait, false, 890},
        {"timeout", "", {"T1"}, "discard", facts_of(900, 900), wait, false, 0},
        {"timeout", "", {"T1"}, "discard", facts_of(901, 901), complete, false, -1},
        {"timeout", "", {"T1"}, "discard", facts_of(901, 901, true), wait, false, 4499},
        {"timeout", "", {"T1"}, "ignore", facts_of(901, 901, true), wait, false, -1},
        {"timeout", "", {"T1"}, "ignore", facts_of(6000, 10), wait, false, 890},
        // time is up, also while series keep arriving
        {"timeout", "", {"T1"}, "discard", facts_of(5400, 10), wait, false, 0},
        {"timeout", "", {"T1"}, "discard", facts_of(5401, 10), discard, true, -1},
        {"timeout", "", {"T1"}, "proceed", facts_of(5401, 10, true), complete, true, -1},
        {"timeout", "", {"T1"}, "", facts_of(9999, 10), wait, false, 890},
        // by required series
        {"received_series", "'t1' and 'FLAIR'", {"T1 ax"}, "discard", facts_of(10, 10), wait, false, 5390},
        {"received_series",
         "'t1' and 'FLAIR'",
         {"T1 ax", "flair cor"},
         "discard",
         facts_of(10, 0),
         complete,
         false,
         -1},
        {"received_series", "'t1' and 'FLAIR'", {"T1 ax"}, "ignore", facts_of(99999, 99999), wait, false, -1},
        {"received_series", "'t1' and 'FLAIR'", {"T1 ax"}, "proceed", facts_of(5401, 1), complete, true, -1},
        {"received_series", "'t1' and 'FLAIR'", {"T1 ax"}, "discard", facts_of(5401, 1), discard, true, -1},
        {"received_series", "'t1' and", {"T1"}, "ignore", facts_of(10, 10), wait, false, -1},
        {"received_series", "", {"T1"}, "ignore", facts_of(10, 10), wait, false, 890},
        {"received_series", "", {"T1"}, "ignore", facts_of(901, 901), complete, false, -1},
        // on request, whatever is missing
        {"received_series", "'never'", {"T1"}, "ignore", facts_of(1, 1, true, true), complete, true, -1},
        // what nobody knows waits, and is forced all the same
        {"", "", {"T1"}, "ignore", facts_of(9999, 9999), wait, false, -1},
        {"moon", "", {"T1"}, "discard", facts_of(5401, 5401), discard, true, -1},
    };
    for (const Case& c : cases) {
        const StudyVerdict verdict =
            judge_study(study_with(c.trigger, c.required, c.received, c.force_action), c.facts);
        CAPTURE(c.trigger, c.required, c.received, c.force_action, c.facts.age.count(), c.facts.quiet.count(),
                verdict.reason);
        CHECK(verdict.step == c.step);
        CHECK(verdict.forced == c.forced);
        CHECK(verdict.due.value_or(Seconds(-1)) == Seconds(c.due));
        CHECK_FALSE(verdict.reason.empty());
    }
}

TEST_CASE("A study whose completion was forced before a restart stays forced", "[pipeline][studies]") {
    TaskStudy study = study_with("received_series", "'never'", {"T1"}, "ignore");
    study.complete_force = true;
    CHECK(judge_study(study, facts_of(0, 0)).step == StudyStep::complete);
}

TEST_CASE("A verdict names what is missing and what cannot be used", "[pipeline][studies]") {
    const auto missing =
        judge_study(study_with("received_series", "'t1' and 'flair'", {"T1"}, "ignore"), facts_of(0, 0));
    CHECK(missing.missing == std::vector<std::string>{"flair"});
    CHECK(missing.problem.empty());
    CHECK_FALSE(
        judge_study(study_with("received_series", "'t1' and", {"T1"}, "ignore"), facts_of(0, 0)).problem.empty());
    CHECK_FALSE(judge_study(study_with("received_series", "", {"T1"}, "ignore"), facts_of(0, 0)).problem.empty());
    CHECK(judge_study(study_with("moon", "", {"T1"}, "ignore"), facts_of(0, 0)).problem.find("moon") !=
          std::string::npos);
}
