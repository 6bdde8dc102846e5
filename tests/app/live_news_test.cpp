#include "app/live_news.hpp"

#include "http/fake_status_source.hpp"
#include "support/catch.hpp"
#include "support/coroutines.hpp"
#include "support/manual_clock.hpp"
#include "support/temporary_folder.hpp"

#include <boost/asio/io_context.hpp>

#include <memory>

using namespace quicksilver;
using namespace quicksilver::test;

namespace {

struct NewsFixture {
    TemporaryFolder folder;
    boost::asio::io_context io;
    EventHub hub{io.get_executor()};
    FakeStatusSource status;
    ConfigSources sources{.file = folder / "mercure.json", .data = "/data", .environment = {}, .set = {}};
    ConfigHandle config{sources, load_config_text("{}", sources)};
    ManualClock clock;
    LiveNews news{{hub, status, config, clock, std::make_shared<SignInWatch>(), nullptr}};

    /// What a client hears of this series, or of all.
    std::string heard(const std::string& series, const std::vector<JournalEntry>& entries) {
        const auto client = hub.join({"series", "tasks", "sources"}, series, "");
        for (const JournalEntry& entry : entries) news.tell(entry);
        io.restart();
        io.run_for(EventHub::latest_interval + std::chrono::milliseconds(100));
        std::string text;
        auto ask = [&]() -> boost::asio::awaitable<void> {
            const auto piece = co_await client->next(std::chrono::milliseconds(1));
            if (piece) text = *piece;
        };
        run_coroutine(io, ask());
        return text;
    }
    static bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
};

journal::TaskEvent event(const char* task, TaskEventType type) {
    return {WallTime{}, task, "dispatcher.main", type, 1, "pacs", "words of a peer"};
}

}  // namespace

TEST_CASE("Who looks at one series hears of its tasks and their steps, and of no other's", "[app][events]") {
    NewsFixture f;
    const std::string told =
        f.heard("1.1", {journal::TaskRegistered{{}, "mine", "", "1.1"}, journal::TaskRegistered{{}, "other", "", "1.2"},
                        event("mine", TaskEventType::dispatch_begin), event("other", TaskEventType::dispatch_begin)});
    CHECK(f.has(told, R"("id":"mine")"));
    CHECK(f.has(told, "event: timeline"));
    CHECK(f.has(told, R"("state":"running")"));
    CHECK_FALSE(f.has(told, "other"));
    CHECK_FALSE(f.has(told, "words"));
}

TEST_CASE("The task of a study is one of each of its series", "[app][events]") {
    NewsFixture f;
    const journal::TaskUpdated study{{}, "study", R"({"study": {"received_series_uid": ["1.1", "1.2"]}})"};
    for (const char* series : {"1.1", "1.2"}) {
        CHECK(f.has(f.heard(series, {study, event("study", TaskEventType::error)}), R"("state":"failed")"));
    }
    CHECK_FALSE(f.has(f.heard("1.3", {event("study", TaskEventType::error)}), "study"));
}

TEST_CASE("What is told of series later has a greater number, and a source is told when it has sent", "[app][events]") {
    NewsFixture f;
    journal::SeriesRegistered series{{}, "1.1", {}};
    series.tags.add("SenderAET", "CT1");
    series.tags.add("SenderAddress", "10.0.0.7");
    const journal::SeriesState state{{}, "1.1", journal::SeriesStage::routing, "", "", "", 1, 1};
    const std::string told = f.heard("", {state, series});
    CHECK(f.has(told, R"("rev":1)"));
    CHECK(f.has(told, R"("id":"CT1@10.0.0.7")"));
    CHECK(f.has(f.heard("", {state}), R"("rev":2)"));
}
