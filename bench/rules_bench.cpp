// How long 1,000 rules take: to load, and to decide over one tag set. Prints the best of several rounds.

#include "quicksilver/rules/decision.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

using namespace quicksilver;

namespace {

constexpr int rule_count = 1000;
constexpr int rounds = 20;

/// A set like a hospital's: modality, description, sender, numbers, several conditions.
std::vector<RuleConfig> make_rules() {
    constexpr std::array patterns{
        std::string_view("tags.Modality == 'MR' and 't1' in tags.SeriesDescription.lower() and {} > 0"),
        std::string_view("@ReceiverAET@ == 'RESEARCH_{}'"),
        std::string_view("tags.StationName in ('CT_{}', 'CT_2', 'CT_3') or 'CINE' in tags.SeriesDescription"),
        std::string_view("float(tags.SliceThickness) < 2.0 and tags.SeriesNumber != '{}'"),
        std::string_view("('Tr' in tags.ManufacturerModelName) | (tags.ManufacturerModelName == 'Trio{}')"),
        std::string_view("tags.StudyDescription.upper().startswith(('BRAIN', 'HEAD')) and not tags.PatientID == '{}'"),
    };
    std::vector<RuleConfig> out;
    for (int i = 0; i < rule_count; ++i) {
        RuleConfig rule;
        rule.name = fmt::format("rule{}", i);
        rule.rule = fmt::format(fmt::runtime(patterns[static_cast<std::size_t>(i) % patterns.size()]), i);
        out.push_back(rule);
    }
    return out;
}

Tags make_tags() {
    Tags tags;
    for (int i = 0; i < 40; ++i) tags.add(fmt::format("Other{}", i), "value");
    tags.add("Modality", "MR");
    tags.add("SeriesDescription", "t1_mprage_sag");
    tags.add("ReceiverAET", "CLINIC");
    tags.add("StationName", "MR_7");
    tags.add("SliceThickness", "1.5");
    tags.add("SeriesNumber", "7");
    tags.add("ManufacturerModelName", "Prisma");
    tags.add("StudyDescription", "Brain w/o contrast");
    tags.add("PatientID", "0815");
    return tags;
}

template <class Work>
double best_milliseconds(Work work) {
    double best = 1e9;
    for (int i = 0; i < rounds; ++i) {
        const auto start = std::chrono::steady_clock::now();
        work();
        const std::chrono::duration<double, std::milli> passed = std::chrono::steady_clock::now() - start;
        best = std::min(best, passed.count());
    }
    return best;
}

}  // namespace

int main() {
    const std::vector<RuleConfig> configured = make_rules();
    const Tags series = make_tags();
    const double load = best_milliseconds([&] { rules::RuleSet set(configured); });
    const rules::RuleSet set(configured);
    std::size_t triggered = 0;
    const double decide = best_milliseconds([&] { triggered = set.decide(series).triggered.size(); });
    rules::EvaluationOptions options;
    options.explain = true;
    const double explain = best_milliseconds([&] { triggered = set.decide(series, options).triggered.size(); });
    fmt::print("{} rules: load {:.2f} ms, decide {:.3f} ms ({} triggered), with explanation {:.3f} ms\n", rule_count,
               load, decide, triggered, explain);
}
