#include "live_news.hpp"

#include "quicksilver/http/attention.hpp"

#include <algorithm>
#include <ranges>

namespace quicksilver {

using nlohmann::json;

namespace {

struct Step {
    TaskEventType event;
    const char* kind;
    const char* state;
};

/// What opens or closes a span of the timeline.
constexpr Step steps[] = {{TaskEventType::dispatch_begin, "dispatch", "running"},
                          {TaskEventType::dispatch_complete, "dispatch", "done"},
                          {TaskEventType::process_module_begin, "module", "running"},
                          {TaskEventType::process_module_complete, "module", "done"},
                          {TaskEventType::process_begin, "process", "running"},
                          {TaskEventType::process_complete, "process", "done"},
                          {TaskEventType::error, "", "failed"}};

/// Of the series that a study has collected, `\` between them; "" for other tasks.
std::string series_of_study(const std::string& task_json) {
    constexpr std::size_t read_max = 1UL << 20;
    if (task_json.size() > read_max || task_json.find("received_series_uid") == std::string::npos) return "";
    const json task = json::parse(task_json, nullptr, false);
    std::string all;
    if (!task.is_object() || !task.contains("study") || !task["study"].is_object()) return all;
    const json uids = task["study"].value("received_series_uid", json::array());
    for (const json& uid : uids) {
        if (uid.is_string()) all += (all.empty() ? "" : "\\") + uid.get<std::string>();
    }
    return all;
}

json line_json(const LogLine& line) {
    json fields = json::object();
    for (const auto& [key, value] : line.fields) fields[key] = value;
    return {{"number", line.number},  {"time", rfc3339(line.time)}, {"level", to_string(line.level)},
            {"component", line.area}, {"message", line.message},    {"fields", std::move(fields)}};
}

}  // namespace

class LiveNews::Teller {
public:
    explicit Teller(LiveNews& news) : news_(news), events_(news.sources_.events) {}

    void operator()(const journal::SeriesState& state) const {
        json changed = {{"state", to_string(state.state)}};
        if (state.instances > 0) changed["instances"] = state.instances;
        if (state.bytes > 0) changed["bytes"] = state.bytes;
        const json data = {{"id", state.series_uid}, {"rev", ++news_.revision_}, {"changed", std::move(changed)}};
        events_.publish_latest("series " + state.series_uid, "series", "series", data, state.series_uid);
    }
    void operator()(const journal::SeriesRegistered& series) const {
        const std::string id = series.tags.get("SenderAET") + "@" + series.tags.get("SenderAddress");
        if (id == "@") return;
        events_.publish_latest("source " + id, "sources", "source", {{"id", id}, {"last_seen", rfc3339(series.time)}});
    }
    void operator()(const journal::TaskRegistered& task) const { news_.learn(task.id, task.series_uid); }
    void operator()(const journal::TaskUpdated& task) const { news_.learn(task.id, series_of_study(task.task_json)); }
    /// Without its words, which may name whatever a peer says.
    void operator()(const journal::TaskEvent& event) const {
        const std::string_view name = to_string(event.event);
        const auto known = news_.series_of_task_.find(event.task_id);
        const std::string series = known == news_.series_of_task_.end() ? "" : known->second;
        const json data = {{"id", event.task_id}, {"event", name}, {"target", event.target}};
        events_.publish_latest("task " + event.task_id, "tasks", "task", data, series);
        const bool of_module =
            event.event == TaskEventType::process_module_begin || event.event == TaskEventType::process_module_complete;
        if (of_module) {
            events_.publish("modules", "module", {{"name", event.target}, {"task", event.task_id}, {"event", name}});
        }
        const auto step = std::ranges::find(steps, event.event, &Step::event);
        if (step == std::end(steps) || series.empty()) return;
        events_.publish("series", "timeline",
                        {{"task", event.task_id},
                         {"kind", *step->kind == '\0' ? json() : json(step->kind)},
                         {"name", event.target},
                         {"state", step->state},
                         {"time", rfc3339(event.time)}},
                        series);
    }
    template <class Other>
    void operator()(const Other&) const {}

private:
    LiveNews& news_;
    EventHub& events_;
};

void LiveNews::tell(const JournalEntry& entry) {
    std::visit(Teller(*this), entry);
}

/// The oldest tasks are forgotten first; what is told of them then goes to everybody.
void LiveNews::learn(const std::string& task_id, std::string series) {
    if (series.empty()) return;
    const auto [place, is_new] = series_of_task_.insert_or_assign(task_id, std::move(series));
    if (!is_new) return;
    tasks_.push_back(place->first);
    if (tasks_.size() <= tasks_max) return;
    series_of_task_.erase(tasks_.front());
    tasks_.pop_front();
}

void LiveNews::look() {
    if (sources_.events.clients() == 0) return;
    const PipelineStatus pipeline = sources_.status.pipeline();
    tell_if_changed("pipeline", "pipeline", "pipeline", to_json(pipeline));
    tell_log();
    if (++looks_ % 2 != 0) return;  // the others once a second
    for (const TargetStatus& target : pipeline.targets) {
        tell_if_changed("target " + target.name, "targets", "target", to_json(target));
    }
    tell_if_changed("storage", "storage", "storage", to_json(pipeline).at("storage"));
    const json problems = open_problems(sources_.status, sources_.config, *sources_.sign_ins, sources_.clock.now());
    tell_if_changed("attention", "attention", "attention", {{"items", problems}});
}

void LiveNews::tell_if_changed(const std::string& key, const char* topic, const char* name, const json& data) {
    std::string text = data.dump(-1, ' ', false, json::error_handler_t::replace);
    std::string& before = told_[key];
    if (text == before) return;
    before = std::move(text);
    sources_.events.publish(topic, name, data);
}

/// Of a flood of lines the last ones; the interface asks for the others where it wants them.
void LiveNews::tell_log() {
    if (!sources_.log) return;
    LogRing::Filter filter;
    filter.level = LogLevel::info;
    filter.limit = log_lines_each_time;
    const auto lines = sources_.log->lines(filter);
    if (lines.empty()) return;
    const std::uint64_t before = std::exchange(log_told_, lines.front().number);
    if (!std::exchange(log_begun_, true)) return;
    for (const LogLine& line : lines | std::views::reverse) {
        if (line.number > before) sources_.events.publish("log", "log", line_json(line));
    }
}

}  // namespace quicksilver
