#include "http/api/timeline.hpp"

#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::api;

namespace {

/// Each event one second after the one before.
class Story {
public:
    Story& then(const char* event, const char* target = "", const char* info = "") {
        EventItem item;
        item.id = static_cast<std::int64_t>(events_.size()) + 1;
        item.time = "T" + std::to_string(item.id);
        item.task_id = "task";
        item.event = event;
        item.target = target;
        item.info = info;
        events_.push_back(item);
        return *this;
    }

    nlohmann::json all() const { return make_timeline(events_); }
    /// "kind name start–end state" of each span.
    std::string spans() const {
        std::string text;
        for (const auto& span : make_timeline(events_)) {
            const std::string end = span["end"].is_null() ? "" : span["end"].get<std::string>();
            text += span["kind"].get<std::string>() + " " + span["name"].get<std::string>() + " " +
                    span["start"].get<std::string>() + "–" + end + " " + span["state"].get<std::string>() + " " +
                    span["attempt"].dump() + "; ";
        }
        return text;
    }

private:
    std::vector<EventItem> events_;
};

}  // namespace

TEST_CASE("A delivery lasts from its begin to its end, one for each target", "[http][api][timeline]") {
    CHECK(Story()
              .then("REGISTER")
              .then("DISPATCH_BEGIN", "a")
              .then("DISPATCH_BEGIN", "b")
              .then("DISPATCH_COMPLETE", "b")
              .then("DISPATCH_COMPLETE", "a")
              .spans() == "event REGISTER T1–T1 done 1; dispatch a T2–T5 done 1; dispatch b T3–T4 done 1; ");
}

TEST_CASE("A failed attempt ends with its error, and the next one is counted", "[http][api][timeline]") {
    CHECK(Story()
              .then("DISPATCH_BEGIN", "a")
              .then("ERROR", "a", "refused")
              .then("DISPATCH_BEGIN", "a")
              .then("ERROR", "", "gone")
              .then("DISPATCH_BEGIN", "a")
              .spans() == "dispatch a T1–T2 failed 1; dispatch a T3–T4 failed 2; dispatch a T5– running 3; ");
}

TEST_CASE("An error of nothing that runs stands by itself", "[http][api][timeline]") {
    CHECK(Story().then("ERROR", "", "no rule").then("DISPATCH_COMPLETE", "a").spans() ==
          "event  T1–T1 failed 1; dispatch a T2–T2 done 1; ");
    CHECK(make_timeline({}).is_array());
}

TEST_CASE("The run of a module is a part of the processing that it is in", "[http][api][timeline]") {
    Story story;
    story.then("PROCESS_BEGIN").then("PROCESS_MODULE_BEGIN", "bone").then("PROCESS_MODULE_COMPLETE", "bone");
    story.then("PROCESS_COMPLETE").then("DISPATCH_BEGIN", "a");
    const auto spans = story.all();
    CHECK(spans[0]["parent"].is_null());
    CHECK(spans[1]["parent"] == spans[0]["id"]);
    CHECK(spans[2]["parent"].is_null());
}
