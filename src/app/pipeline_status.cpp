#include "pipeline_status.hpp"

#include "quicksilver/pipeline/bookkeeper.hpp"
#include "quicksilver/pipeline/cleaner.hpp"
#include "quicksilver/pipeline/dispatcher.hpp"
#include "quicksilver/pipeline/processor.hpp"
#include "quicksilver/pipeline/receiver.hpp"
#include "quicksilver/pipeline/router.hpp"
#include "quicksilver/store/task_folders.hpp"

#include "pipeline_control.hpp"

#include <algorithm>

namespace quicksilver {

namespace {

MetricFamily single(std::string name, std::string help, MetricType type, double value) {
    MetricFamily family{std::move(name), std::move(help), type, {}};
    family.samples.push_back(MetricSample{{}, value, ""});
    return family;
}

MetricFamily counter(std::string name, std::string help, std::uint64_t value) {
    return single(std::move(name), std::move(help), MetricType::counter, static_cast<double>(value));
}

/// One sample for each value of a label.
class Labelled {
public:
    Labelled(std::string name, std::string help, MetricType type, std::string label)
        : family_{std::move(name), std::move(help), type, {}}, label_(std::move(label)) {}

    void add(const std::string& value_of_label, double value) {
        family_.samples.push_back(MetricSample{{{label_, value_of_label}}, value, ""});
    }
    MetricFamily take() { return std::move(family_); }

private:
    MetricFamily family_;
    std::string label_;
};

double seconds_or_zero(const std::optional<Seconds>& age) {
    return age ? age->count() : 0;
}

/// Tasks of a stage: the folders whose name does not begin with a point.
std::uint64_t count_folders(const std::filesystem::path& folder) {
    std::uint64_t count = 0;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
        if (entry->path().filename().native().front() != '.') ++count;
    }
    return count;
}

}  // namespace

StorageStatus measure_storage(const TaskFolders& folders, const DiskReserve& reserve) {
    StorageStatus storage;
    const DiskSpace space = disk_space(folders.path(Stage::incoming));
    storage.total_bytes = space.total_bytes;
    storage.free_bytes = space.available_bytes;
    storage.reserve_bytes = reserve.bytes_of(space.total_bytes);
    for (const Stage stage : {Stage::incoming, Stage::studies, Stage::processing, Stage::outgoing, Stage::success,
                              Stage::error, Stage::discard}) {
        storage.stages[std::string(to_string(stage))] = count_folders(folders.path(stage));
    }
    return storage;
}

Readiness ServerStatus::readiness() const {
    Readiness readiness;
    if (!ready_) readiness.reasons.emplace_back("the server is starting or stopping");
    const bool full = storage_.total_bytes != 0 && storage_.free_bytes < storage_.reserve_bytes;
    if (full) readiness.reasons.emplace_back("the disk is almost full: less than disk_free_min is free");
    readiness.ready = readiness.reasons.empty();
    return readiness;
}

PipelineStatus ServerStatus::pipeline() const {
    const Receiver::Status receiver = sources_.receiver.status();
    const Router::Status router = sources_.router.status();
    const Processor::Status processor = sources_.processor.status();
    const Dispatcher::Status dispatcher = sources_.dispatcher.status();

    PipelineStatus status;
    status.receive.state = !ready_                     ? StageState::stopped
                           : !receiver.paused          ? StageState::running
                           : receiver.associations > 0 ? StageState::pausing
                                                       : StageState::paused;
    status.receive.instances_total = receiver.instances_total;
    status.receive.bytes_total = receiver.bytes_total;
    status.receive.rejected_total = receiver.rejected_total + receiver.refused_total;
    status.receive.associations = receiver.associations;
    status.receive.rate_1m = receiver.instances_per_second;
    status.receive.bytes_1m = receiver.bytes_per_second;

    status.route.waiting = router.waiting;
    status.route.in_flight = router.in_flight;
    status.route.oldest = router.oldest;
    if (router.paused) status.route.state = router.in_flight > 0 ? StageState::pausing : StageState::paused;

    status.process.waiting = processor.waiting;
    status.process.in_flight = processor.in_flight;
    status.process.oldest = processor.oldest;
    if (processor.halted) {
        status.process.state = processor.in_flight > 0 ? StageState::pausing : StageState::paused;
    }

    status.dispatch.waiting = dispatcher.waiting;
    status.dispatch.in_flight = dispatcher.in_flight;
    status.dispatch.oldest = dispatcher.oldest;
    if (dispatcher.halted) {
        status.dispatch.state = dispatcher.in_flight > 0 ? StageState::pausing : StageState::paused;
    }

    // Where somebody else removed the file HALT, nobody's reason is left.
    const PipelineControl& control = sources_.control;
    if (receiver.paused) status.receive.pause = control.pause_of(Control::Stage::receive);
    if (router.paused) status.route.pause = control.pause_of(Control::Stage::route);
    if (processor.halted) status.process.pause = control.pause_of(Control::Stage::process);
    if (dispatcher.halted) status.dispatch.pause = control.pause_of(Control::Stage::dispatch);

    status.series.waiting = receiver.series_arriving;
    status.series.routed = router.routed_total;
    status.series.discarded = router.discarded_total;
    status.series.failed = router.failed_total + processor.failed_total + dispatcher.failed_total;

    for (const TargetConfig& target : sources_.config()->targets) {
        TargetStatus shown;
        shown.name = target.name;
        shown.type = target.type;
        if (const auto known = dispatcher.targets.find(target.name); known != dispatcher.targets.end()) {
            const Dispatcher::TargetState& state = known->second;
            shown.waiting = state.waiting + state.retrying;
            shown.retrying = state.retrying;
            shown.offpeak = state.offpeak;
            shown.instances_total = state.instances_total;
            shown.bytes_total = state.bytes_total;
            shown.in_flight = state.in_flight;
            shown.oldest = state.oldest;
            shown.attempts_total = state.attempts_total;
            shown.sent_total = state.delivered_total;
            shown.failed_total = state.failed_total;
            shown.last_error = state.last_error;
            if (state.draining) {
                shown.state = TargetState::draining;
            } else if (state.in_flight > 0) {
                shown.state = TargetState::sending;
            } else if (dispatcher.halted || state.paused) {
                shown.state = TargetState::paused;
            } else if (state.down) {
                shown.state = TargetState::down;
            } else if (state.retrying > 0) {
                shown.state = TargetState::retrying;
            }
        }
        add_rates(shown);
        status.targets.push_back(std::move(shown));
    }
    add_rates(status);
    status.runners_away = processor.away;
    status.storage = storage_;
    status.storage.held_series = sources_.control.holds()->size();
    status.storage.held_in_the_way = sources_.cleaner.status().held_in_the_way;
    return status;
}

void ServerStatus::sample(SteadyTime now) {
    constexpr auto window = std::chrono::minutes(1);
    const Router::Status router = sources_.router.status();
    const Processor::Status processor = sources_.processor.status();
    Sample sample{now,
                  router.routed_total + router.discarded_total + router.failed_total,
                  processor.completed_total + processor.failed_total,
                  {}};
    for (const auto& [name, target] : sources_.dispatcher.status().targets) {
        sample.delivered[name] = {target.instances_total, target.bytes_total};
    }
    samples_.push_back(std::move(sample));
    while (samples_.size() > 2 && samples_[1].time <= now - window) samples_.pop_front();
}

/// Between the first and the last sample of the last minute.
void ServerStatus::add_rates(TargetStatus& target) const {
    if (samples_.size() < 2) return;
    const Sample& first = samples_.front();
    const Sample& last = samples_.back();
    const auto begin = first.delivered.find(target.name);
    const auto end = last.delivered.find(target.name);
    if (end == last.delivered.end()) return;
    const auto before = begin == first.delivered.end() ? std::pair<std::uint64_t, std::uint64_t>() : begin->second;
    const double seconds = std::chrono::duration<double>(last.time - first.time).count();
    if (seconds <= 0) return;
    target.rate_1m = static_cast<double>(end->second.first - before.first) / seconds;
    target.bytes_1m = static_cast<double>(end->second.second - before.second) / seconds;
}

/// Of the stages; that of dispatch is what all its targets get.
void ServerStatus::add_rates(PipelineStatus& status) const {
    for (const TargetStatus& target : status.targets) {
        status.dispatch.rate_1m += target.rate_1m;
        status.dispatch.bytes_1m += target.bytes_1m;
    }
    if (samples_.size() < 2) return;
    const Sample& first = samples_.front();
    const Sample& last = samples_.back();
    const double seconds = std::chrono::duration<double>(last.time - first.time).count();
    if (seconds <= 0) return;
    status.route.rate_1m = static_cast<double>(last.routed - first.routed) / seconds;
    status.process.rate_1m = static_cast<double>(last.processed - first.processed) / seconds;
}

std::vector<MetricFamily> ServerStatus::metrics() const {
    const PipelineStatus status = pipeline();
    const Receiver::Status receiver = sources_.receiver.status();
    const Dispatcher::Status dispatcher = sources_.dispatcher.status();
    std::vector<MetricFamily> families;
    families.push_back(
        counter("quicksilver_received_instances_total", "Instances received.", receiver.instances_total));
    families.push_back(
        counter("quicksilver_received_bytes_total", "Bytes of data sets received.", receiver.bytes_total));
    families.push_back(counter("quicksilver_received_repeated_total",
                               "Instances received again while the first copy was waiting.", receiver.repeated_total));
    families.push_back(counter("quicksilver_refused_instances_total", "Instances answered with a failure status.",
                               receiver.refused_total));
    families.push_back(
        counter("quicksilver_rejected_associations_total", "Associations rejected.", receiver.rejected_total));
    families.push_back(single("quicksilver_associations", "Incoming associations open now.", MetricType::gauge,
                              static_cast<double>(receiver.associations)));

    Labelled series("quicksilver_series_total", "Series by outcome.", MetricType::counter, "outcome");
    series.add("routed", static_cast<double>(status.series.routed));
    series.add("discarded", static_cast<double>(status.series.discarded));
    series.add("failed", static_cast<double>(status.series.failed));
    families.push_back(series.take());
    families.push_back(single("quicksilver_series_arriving", "Series that are not complete yet.", MetricType::gauge,
                              static_cast<double>(status.series.waiting)));

    Labelled depth("quicksilver_queue_depth", "What waits or is in work, by stage.", MetricType::gauge, "stage");
    Labelled age("quicksilver_queue_oldest_seconds", "Age of the oldest that waits, by stage.", MetricType::gauge,
                 "stage");
    const std::pair<const char*, const StageStatus*> stages[] = {
        {"route", &status.route}, {"process", &status.process}, {"dispatch", &status.dispatch}};
    for (const auto& [name, stage] : stages) {
        depth.add(name, static_cast<double>(stage->waiting + stage->in_flight));
        age.add(name, seconds_or_zero(stage->oldest));
    }
    families.push_back(depth.take());
    families.push_back(age.take());

    Labelled target_depth("quicksilver_target_queue_depth", "Tasks that wait or are being sent, by target.",
                          MetricType::gauge, "target");
    Labelled target_age("quicksilver_target_oldest_seconds", "Age of the oldest task that waits, by target.",
                        MetricType::gauge, "target");
    Labelled attempts("quicksilver_dispatch_attempts_total", "Attempts to deliver a task, by target.",
                      MetricType::counter, "target");
    Labelled failures("quicksilver_dispatch_failures_total", "Attempts that failed, by target.", MetricType::counter,
                      "target");
    Labelled delivered("quicksilver_dispatched_tasks_total", "Tasks delivered, by target.", MetricType::counter,
                       "target");
    Labelled instances("quicksilver_dispatched_instances_total", "Instances delivered, by target.", MetricType::counter,
                       "target");
    Labelled bytes("quicksilver_dispatched_bytes_total", "Bytes delivered, by target.", MetricType::counter, "target");
    for (const auto& [name, target] : dispatcher.targets) {
        target_depth.add(name, static_cast<double>(target.waiting + target.in_flight + target.retrying));
        target_age.add(name, seconds_or_zero(target.oldest));
        attempts.add(name, static_cast<double>(target.attempts_total));
        failures.add(name, static_cast<double>(target.failed_total));
        delivered.add(name, static_cast<double>(target.delivered_total));
        instances.add(name, static_cast<double>(target.instances_total));
        bytes.add(name, static_cast<double>(target.bytes_total));
    }
    for (Labelled* family : {&target_depth, &target_age, &attempts, &failures, &delivered, &instances, &bytes}) {
        families.push_back(family->take());
    }

    families.push_back(single("quicksilver_disk_total_bytes", "Size of the data folder's file system.",
                              MetricType::gauge, static_cast<double>(storage_.total_bytes)));
    families.push_back(single("quicksilver_disk_free_bytes", "Free space of the data folder's file system.",
                              MetricType::gauge, static_cast<double>(storage_.free_bytes)));
    Labelled folders("quicksilver_stage_folders", "Series and tasks in each stage folder.", MetricType::gauge, "stage");
    for (const auto& [stage, count] : storage_.stages) folders.add(stage, static_cast<double>(count));
    families.push_back(folders.take());
    families.push_back(counter("quicksilver_cleaned_folders_total", "Folders removed by the cleaner.",
                               sources_.cleaner.status().removed_total));
    families.push_back(
        counter("quicksilver_journal_entries_total", "Entries written to the database.", sources_.books.written()));
    families.push_back(counter("quicksilver_journal_dropped_total",
                               "Entries lost because the database could not be written.", sources_.books.dropped()));
    families.push_back(single("quicksilver_config_last_reload_successful",
                              "1 when the last reload of the configuration was taken over.", MetricType::gauge,
                              sources_.last_reload_ok() ? 1 : 0));
    return families;
}

}  // namespace quicksilver
