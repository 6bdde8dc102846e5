#include "quicksilver/store/statistics.hpp"

#include "quicksilver/store/history.hpp"
#include "quicksilver/store/journal.hpp"

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <fmt/format.h>

using namespace quicksilver;
using namespace quicksilver::test;

namespace {

const WallTime begin{std::chrono::seconds(1'790'000'000)};

struct Past {
    TemporaryFolder folder;
    std::unique_ptr<Journal> journal = *Journal::open(folder / "q.sqlite");
    HistoryConnections history{folder / "q.sqlite"};

    void add(int second, const std::string& modality, const std::string& ae, journal::SeriesStage end,
             const std::string& rules) {
        const std::string uid = fmt::format("1.{}", second);
        const WallTime time = begin + std::chrono::seconds(second);
        journal::SeriesRegistered registered{time, uid, {}};
        registered.tags.add("Modality", modality);
        registered.tags.add("SenderAET", ae);
        registered.tags.add("SenderAddress", "10.0.0.1");
        const journal::SeriesState receiving{time, uid, journal::SeriesStage::receiving, "", "", "", 0, 0};
        const journal::SeriesState ended{time + std::chrono::seconds(30), uid, end, "", rules, "", 5, 1000};
        const auto written = journal->write({registered, receiving, ended});
        if (!written) throw std::runtime_error(written.error().message);
    }
    template <class Question>
    auto ask(Question question) {
        return history.ask([&](History& one) { return question(Statistics(one.connection())); });
    }
    static Statistics::Window hours(int count) {
        return {rfc3339(begin), rfc3339(begin + std::chrono::hours(count)), 1'790'000'000, 3600};
    }
};

}  // namespace

TEST_CASE("Series are counted by the time at which they began", "[store][statistics]") {
    Past past;
    past.add(10, "CT", "A", journal::SeriesStage::done, "ct");
    past.add(20, "MR", "A", journal::SeriesStage::failed, "mr");
    past.add(4000, "CT", "B", journal::SeriesStage::done, "ct, all");
    using Metric = Statistics::SeriesMetric;
    using Group = Statistics::SeriesGroup;
    const auto values = [&](Metric metric, Group group) {
        std::string text;
        const auto all = past.ask([&](Statistics s) { return s.series(metric, group, Past::hours(2)); });
        for (const auto& value : all) text += fmt::format("{} {} {}; ", value.step, value.key, value.value);
        return text;
    };
    CHECK(values(Metric::series, Group::none) == "0  2; 1  1; ");
    CHECK(values(Metric::instances, Group::none) == "0  10; 1  5; ");
    CHECK(values(Metric::failed, Group::none) == "0  1; 1  0; ");
    CHECK(values(Metric::bytes, Group::modality) == "0 CT 1000; 0 MR 1000; 1 CT 1000; ");
    CHECK(values(Metric::series, Group::rule) == "0 ct 1; 0 mr 1; 1 ct, all 1; ");
}

TEST_CASE("How long series took is known of those that are done", "[store][statistics]") {
    Past past;
    past.add(10, "CT", "A", journal::SeriesStage::done, "ct");
    past.add(20, "MR", "A", journal::SeriesStage::failed, "mr");
    const auto all = past.ask([](Statistics s) { return s.latencies(true, Past::hours(2), 10); });
    REQUIRE(all.size() == 1);
    CHECK(all[0].key == "ct");
    CHECK(all[0].seconds == Approx(30).epsilon(0.01));
}

TEST_CASE("Who sends is known by calling AE title and address", "[store][statistics]") {
    Past past;
    past.add(10, "CT", "A", journal::SeriesStage::done, "");
    past.add(20, "MR", "A", journal::SeriesStage::done, "");
    past.add(30, "CT", "B", journal::SeriesStage::done, "");
    const auto sources = past.ask([](Statistics s) { return s.sources(rfc3339(begin)); });
    REQUIRE(sources.size() == 2);
    CHECK(sources[0].calling_ae == "B");
    CHECK(sources[1].series == 2);
    CHECK(sources[1].instances == 10);
    CHECK(sources[1].last_seen == rfc3339(begin + std::chrono::seconds(20)));
    CHECK(past.ask([](Statistics s) { return s.sources(rfc3339(begin + std::chrono::hours(1))); }).empty());
}

TEST_CASE("Deliveries are counted by target, and rejected associations listed", "[store][statistics]") {
    Past past;
    const auto event = [](TaskEventType type, const char* target) {
        return journal::TaskEvent{begin, "t", "dispatcher.main", type, 1, target, ""};
    };
    const journal::MercureEvent rejected{begin, "receiver.main", MercureEventType::processing, Severity::warning,
                                         "Association from 10.0.0.9 rejected: no (calling AE X, called AE Y)"};
    CHECK(past.journal->write({event(TaskEventType::dispatch_complete, "pacs"),
                               event(TaskEventType::dispatch_complete, "web"), event(TaskEventType::error, "web"),
                               rejected}));
    const auto done = past.ask([](Statistics s) { return s.deliveries(false, false, Past::hours(1)); });
    REQUIRE(done.size() == 1);
    CHECK(done[0].value == 2);
    const auto failed = past.ask([](Statistics s) { return s.deliveries(true, true, Past::hours(1)); });
    REQUIRE(failed.size() == 1);
    CHECK(failed[0].key == "web");
    const auto rejections = past.ask([](Statistics s) { return s.rejections(rfc3339(begin), 10); });
    REQUIRE(rejections.size() == 1);
    CHECK(rejections[0].address == "10.0.0.9");
    CHECK(rejections[0].reason == "no");
    CHECK(rejections[0].calling_ae == "X");
    CHECK(rejections[0].called_ae == "Y");
}

TEST_CASE("A rejected peer that names itself oddly counts for its own address", "[store][statistics]") {
    Past past;
    const auto rejected = [](const std::string& text) {
        return journal::MercureEvent{begin, "receiver.main", MercureEventType::processing, Severity::warning, text};
    };
    CHECK(
        past.journal->write({rejected("Association from 10.0.0.9 rejected: no (calling AE  rejected: no, called AE A)"),
                             rejected("Association from X (10.0.0.1) rejected: as older versions said it"),
                             rejected("Association from ")}));
    const auto all = past.ask([](Statistics s) { return s.rejections(rfc3339(begin), 10); });
    REQUIRE(all.size() == 3);
    std::string addresses;
    for (const auto& one : all) addresses += one.address;
    CHECK(addresses == "10.0.0.9");
}
