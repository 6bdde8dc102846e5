#include "live_news.hpp"

#include "quicksilver/http/attention.hpp"

#include <algorithm>
#include <ranges>

namespace quicksilver {

using nlohmann::json;

namespace {

class Teller {
public:
    explicit Teller(EventHub& events) : events_(events) {}

    void operator()(const journal::SeriesState& state) const {
        json changed = {{"state", to_string(state.state)}};
        if (state.instances > 0) changed["instances"] = state.instances;
        if (state.bytes > 0) changed["bytes"] = state.bytes;
        const json data = {{"id", state.series_uid}, {"changed", std::move(changed)}};
        events_.publish_latest("series " + state.series_uid, "series", "series", data, state.series_uid);
    }
    /// Without its words, which may name whatever a peer says.
    void operator()(const journal::TaskEvent& event) const {
        const std::string_view name = to_string(event.event);
        const json data = {{"id", event.task_id}, {"event", name}, {"target", event.target}};
        events_.publish_latest("task " + event.task_id, "tasks", "task", data);
        const bool of_module =
            event.event == TaskEventType::process_module_begin || event.event == TaskEventType::process_module_complete;
        if (of_module)
            events_.publish("modules", "module", {{"name", event.target}, {"task", event.task_id}, {"event", name}});
    }
    template <class Other>
    void operator()(const Other&) const {}

private:
    EventHub& events_;
};

json line_json(const LogLine& line) {
    json fields = json::object();
    for (const auto& [key, value] : line.fields) fields[key] = value;
    return {{"number", line.number},  {"time", rfc3339(line.time)}, {"level", to_string(line.level)},
            {"component", line.area}, {"message", line.message},    {"fields", std::move(fields)}};
}

}  // namespace

void LiveNews::tell(const JournalEntry& entry) {
    std::visit(Teller(sources_.events), entry);
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
    tell_if_changed("attention", "attention", "attention",
                    {{"items", open_problems(sources_.status, sources_.config)}});
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
