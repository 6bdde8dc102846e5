#pragma once

#include "quicksilver/core/config.hpp"
#include "quicksilver/core/result.hpp"
#include "quicksilver/core/tags.hpp"
#include "quicksilver/rules/decision.hpp"
#include "quicksilver/rules/plan.hpp"
#include "quicksilver/store/handover.hpp"
#include "quicksilver/store/task_file.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace quicksilver {

/// One configuration with its rules compiled. Immutable; any thread.
struct RoutingRules {
    std::shared_ptr<const Config> config;
    rules::RuleSet rules;
};

/// One task that a series became.
struct RoutedTask {
    std::string id;
    Stage stage = Stage::outgoing;
    rules::PlannedTask plan;
    std::string study_key;  ///< stage studies: the study to join
};

/// What was decided for a series, and from what.
struct SeriesRoute {
    Tags tags;
    rules::Decision decision;
    std::vector<RoutedTask> tasks;
    std::vector<MadeTask> made;  ///< where the tasks lie now; of an earlier attempt, if that had a plan
    std::uint64_t instances = 0;
    std::uint64_t bytes = 0;
};

/// The tags that the rules see for a claimed series: of its first instance by name, and of a `.tags` file beside it,
/// which mercure's own tools write.
Result<Tags> read_series_tags(const std::filesystem::path& folder, const Config& config);

/// StudyInstanceUID of a folder's first instance; empty when it cannot be read. Blocks.
std::string read_study_uid(const std::filesystem::path& folder);

/// Looks for elements beyond the tags in the header of a folder's first instance; what was found is remembered, so that
/// many rules that ask for one element read the file once. Null when the folder has no instance. Blocks when called.
rules::HeaderLookup header_of(const std::filesystem::path& folder);

/// Decides where a series goes, with ids and stages for its tasks, and explains it. Pure but for the new ids and
/// `header`, which is asked for elements that the tags lack.
SeriesRoute decide_route(const RoutingRules& rules, Tags tags, rules::HeaderLookup header = nullptr);

/// The modules of a rule with their settings: the module's, overlaid by the rule's (contract §3.1).
std::vector<TaskProcess> make_process(const RuleConfig& rule, const Config& config);

/// The tasks as the hand-over makes them, each with its task.json.
std::vector<PlannedTask> to_planned_tasks(const SeriesRoute& route, const std::string& series_uid, const Config& config,
                                          const ServerIdentity& server, WallTime now);

}  // namespace quicksilver
