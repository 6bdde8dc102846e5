#include "quicksilver/pipeline/series_folders.hpp"

#include "stage_fixture.hpp"
#include "support/catch.hpp"

#include <set>

using namespace quicksilver;

namespace fs = std::filesystem;

namespace {

struct Fixture : test::StageFixture {
    void make(const std::string& folder, const std::vector<std::string>& names) {
        for (const std::string& file : names) test::write_file(root / folder / file, file);
    }
    void make_task(const std::string& folder, const TaskFile& task, const std::vector<std::string>& names) {
        make(folder, names);
        test::write_file(root / folder / "task.json", to_json_text(task));
    }
    std::set<std::string> folders_with(const KnownSeries& series) const {
        return relative(folders_of_series(folders, series));
    }
    std::set<std::string> received(const KnownSeries& series) const {
        return relative(received_files(folders, series));
    }

private:
    std::set<std::string> relative(const std::vector<fs::path>& paths) const {
        std::set<std::string> names;
        for (const fs::path& path : paths) names.insert(path.lexically_relative(root.path()).string());
        return names;
    }
};

TaskFile processed_task() {
    TaskFile task;
    task.process.emplace_back();
    return task;
}

}  // namespace

TEST_CASE("The folders of a series are found in every stage, and those of others are not", "[pipeline][series]") {
    Fixture f;
    f.make("incoming/1.2", {"1.2#1.dcm"});
    f.make("studies/9.9#rule", {"1.2#1.dcm"});
    f.make("studies/9.9#other", {"1.22#1.dcm"});
    f.make("processing/.out-a", {"1.2#1.dcm"});
    f.make("outgoing/b", {"1.2#1.dcm"});
    f.make("discard/c", {"1.2#1.dcm"});
    f.make("error/d", {"1.2#1.dcm"});
    const KnownSeries series{"1.2", "9.9", {"a", "b", "c", "", "../error/d", ".new-d"}};
    CHECK(f.folders_with(series) ==
          std::set<std::string>{"incoming/1.2", "studies/9.9#rule", "processing/.out-a", "outgoing/b", "discard/c"});
    CHECK(f.folders_with({"../1.2", "9.9", {"b"}}).empty());
}

TEST_CASE("Files count as received where no module has touched them", "[pipeline][series]") {
    Fixture f;
    f.make("incoming/1.2", {"1.2#in.dcm"});
    f.make_task("success/plain", {}, {"1.2#plain.dcm", "1.2#plain.tags", "1.3#other.dcm", "report.pdf"});
    f.make_task("success/results", processed_task(), {"1.2#results.dcm"});
    TaskFile copy;
    mark_as_results(copy);
    f.make_task("outgoing/copy", *parse_task_file(to_json_text(copy)), {"1.2#copy.dcm"});
    TaskFile before = processed_task();
    before.info.fail_stage = FailStage::processing;
    f.make_task("error/before", before, {"1.2#before.dcm"});
    f.make_task("error/after", before, {"1.2#after.dcm"});
    f.make("error/after/as_received", {"1.2#original.dcm"});
    before.info.fail_stage = FailStage::dispatching;
    f.make_task("error/undelivered", before, {"1.2#undelivered.dcm"});
    f.make("discard/discarded", {"1.2#discarded.dcm"});
    f.make_task("processing/waiting", processed_task(), {"1.2#waiting.dcm"});
    f.make("processing/.out-leaving", {"1.2#leaving.dcm"});
    const KnownSeries series{
        "1.2", "", {"plain", "results", "copy", "before", "after", "undelivered", "discarded", "waiting", "leaving"}};
    CHECK(f.received(series) ==
          std::set<std::string>{"success/plain/1.2#plain.dcm", "success/plain/1.2#plain.tags",
                                "error/before/1.2#before.dcm", "error/after/as_received/1.2#original.dcm",
                                "discard/discarded/1.2#discarded.dcm", "processing/waiting/1.2#waiting.dcm"});
}

TEST_CASE("Of an instance in several tasks the last one counts", "[pipeline][series]") {
    Fixture f;
    f.make("discard/first", {"1.2#1.dcm", "1.2#2.dcm"});
    f.make("discard/second", {"1.2#2.dcm"});
    CHECK(f.received({"1.2", "", {"first", "second"}}) ==
          std::set<std::string>{"discard/first/1.2#1.dcm", "discard/second/1.2#2.dcm"});
}
