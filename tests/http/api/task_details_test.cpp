#include "http/api/history_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;
using nlohmann::json;

namespace {

struct TaskApi : HistoryApi {
    TaskApi() {
        const WallTime now = clock.wall_now();
        const json task = {{"info", {{"applied_rule", "ct"}}},
                           {"dispatch",
                            {{"status",
                              {{"pacs",
                                {{"state", "waiting"},
                                 {"attempts", 2},
                                 {"next_retry_at", 1'790'000'000.5},
                                 {"reason", "refused"}}}}}}}};
        write({journal::TaskRegistered{now, "t1", "", uid_of(0)}, journal::TaskUpdated{now, "t1", task.dump()}});
    }
    void write(const std::vector<JournalEntry>& entries) {
        const auto written = journal->write(entries);
        if (!written) throw std::runtime_error(written.error().message);
    }
    void say(const std::string& run, const std::string& text, bool first = true, const std::string& file = "") {
        write({journal::ProcessorLog{clock.wall_now(), "t1", "bone", run, 0, first, text, file}});
    }
};

}  // namespace

TEST_CASE("Attempts and the state of each target are told", "[http][api][tasks]") {
    TaskApi api;
    const auto event = [&](TaskEventType type) {
        return journal::TaskEvent{api.clock.wall_now(), "t1", "dispatcher.main", type, 1, "pacs", "refused"};
    };
    api.write(
        {event(TaskEventType::dispatch_begin), event(TaskEventType::error), event(TaskEventType::dispatch_begin)});
    const json seen = api.get_masked("/tasks/t1/attempts").body;
    CHECK(seen.at("items").size() == 2);
    CHECK(seen.at("items")[0].at("state") == "failed");
    CHECK(seen.at("items")[1].at("attempt") == 2);
    CHECK(seen.at("targets")[0] == json{{"target", "pacs"},
                                        {"state", "waiting"},
                                        {"attempts", 2},
                                        {"next_retry_at", "2026-09-21T14:13:20.500Z"},
                                        {"reason", "refused"},
                                        {"via", nullptr}});
    CHECK(api.get("/tasks/none/attempts").status == 404);
}

TEST_CASE("What a module said at a step is its last run's", "[http][api][tasks]") {
    TaskApi api;
    api.say("t1/0/a", "old\n");
    api.say("t1/0/b", "one\ntwo\n");
    api.say("t1/0/b", "three\n", false);
    api.say("t1/1/c", "other step\n");
    CHECK(api.get("/tasks/t1/steps/0/log").text == "one\ntwo\nthree\n");
    CHECK(api.get("/tasks/t1/steps/0/log?tail=2").text == "two\nthree\n");
    CHECK(api.get("/tasks/t1/steps/1/log").headers.at("content-type") == "text/plain; charset=utf-8");
    CHECK(api.get("/tasks/t1/steps/2/log").status == 404);
    CHECK(api.get("/tasks/t1/steps/-1/log").status == 404);
    CHECK(api.get("/tasks/t1/steps/x/log").status == 404);
    CHECK(api.get_masked("/tasks/t1/steps/0/log").status == 403);
}

TEST_CASE("What a module said is read from its file where it lies in one", "[http][api][tasks]") {
    TaskApi api;
    write_file(api.folder / "bone.txt", "from the file");
    api.say("t1/0/a", "", true, (api.folder / "bone.txt").string());
    CHECK(api.get("/tasks/t1/steps/0/log").text == "from the file");
    std::filesystem::remove(api.folder / "bone.txt");
    CHECK(api.get("/tasks/t1/steps/0/log").text.empty());
}

TEST_CASE("What a module gave back is shown to those who may see patients", "[http][api][tasks]") {
    TaskApi api;
    api.write({journal::ProcessorOutput{api.clock.wall_now(), "t1", "A", "M", "bone", 0, "{}", R"({"age": 12})"}});
    CHECK(api.get("/tasks/t1/steps/0/result").body.at("result") == json{{"age", 12}});
    CHECK(api.get("/tasks/t1/steps/1/result").status == 404);
    CHECK(api.get_masked("/tasks/t1/steps/0/result").status == 403);
}
