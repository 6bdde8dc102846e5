#include "timeline.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

namespace quicksilver::api {

using nlohmann::json;

namespace {

struct Kind {
    const char* begin;
    const char* end;
    const char* name;
};

constexpr Kind kinds[] = {{"DISPATCH_BEGIN", "DISPATCH_COMPLETE", "dispatch"},
                          {"PROCESS_MODULE_BEGIN", "PROCESS_MODULE_COMPLETE", "module"},
                          {"PROCESS_BEGIN", "PROCESS_COMPLETE", "process"}};

json make_span(const EventItem& event, const char* kind, const char* state) {
    return {{"id", event.id},      {"task", event.task_id}, {"kind", kind},       {"name", event.target},
            {"start", event.time}, {"end", event.time},     {"state", state},     {"files", event.file_count},
            {"attempt", 1},        {"error", nullptr},      {"info", event.info}, {"parent", nullptr}};
}

/// The spans so far, and which of them have not ended.
class Timeline {
public:
    void add(const EventItem& event) {
        for (const Kind& kind : kinds) {
            if (event.event == kind.begin) return begin(event, kind.name);
            if (event.event == kind.end) return end(event, kind.name);
        }
        if (event.event == "ERROR") return fail(event);
        spans_.push_back(make_span(event, "event", "done"));
        spans_.back()["name"] = event.event;
    }

    json take() { return std::move(spans_); }

private:
    using Key = std::tuple<std::string, std::string, std::string>;  // kind, task, target

    void begin(const EventItem& event, const char* kind) {
        const Key key{kind, event.task_id, event.target};
        json span = make_span(event, kind, "running");
        span["end"] = nullptr;
        span["attempt"] = ++attempts_[key];
        // A module runs within the processing of its task.
        const auto around = std::ranges::find_if(open_, [&](const auto& one) {
            return std::get<0>(one.first) == "process" && std::get<1>(one.first) == event.task_id;
        });
        if (kind == std::string_view("module") && around != open_.end()) span["parent"] = spans_[around->second]["id"];
        open_[key] = spans_.size();
        spans_.push_back(std::move(span));
    }

    void end(const EventItem& event, const char* kind) {
        const auto found = open_.find(Key{kind, event.task_id, event.target});
        if (found == open_.end()) {
            spans_.push_back(make_span(event, kind, "done"));
            return;
        }
        json& span = spans_[found->second];
        span["end"] = event.time;
        span["state"] = "done";
        if (event.file_count > 0) span["files"] = event.file_count;
        open_.erase(found);
    }

    /// Ends what runs for this target, or everything of the task when it names none.
    void fail(const EventItem& event) {
        const json error = {{"code", "error"}, {"text", event.info}};
        bool ended = false;
        for (auto place = open_.begin(); place != open_.end();) {
            const auto& [kind, task, target] = place->first;
            if (task != event.task_id || (!event.target.empty() && target != event.target)) {
                ++place;
                continue;
            }
            json& span = spans_[place->second];
            span["end"] = event.time;
            span["state"] = "failed";
            span["error"] = error;
            place = open_.erase(place);
            ended = true;
        }
        if (ended) return;
        spans_.push_back(make_span(event, "event", "failed"));
        spans_.back()["error"] = error;
    }

    json spans_ = json::array();
    std::map<Key, std::size_t> open_;
    std::map<Key, int> attempts_;
};

}  // namespace

json make_timeline(const std::vector<EventItem>& events) {
    Timeline timeline;
    for (const EventItem& event : events) timeline.add(event);
    return timeline.take();
}

}  // namespace quicksilver::api
