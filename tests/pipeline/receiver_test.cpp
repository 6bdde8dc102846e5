#include "quicksilver/pipeline/receiver.hpp"

#include "quicksilver/core/coroutine_group.hpp"

#include "dicom/dicom_environment.hpp"
#include "stage_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace std::chrono_literals;

namespace {

struct Fixture : test::StageFixture {
    boost::asio::thread_pool associations{1};
    IncomingStore incoming{ops, root / "incoming", DiskReserve{0, 0}};
    AsyncQueue<CompleteSeries> to_router{io.get_executor(), 2};
    CoroutineGroup group{io.get_executor(), nullptr};
    Receiver receiver{context(), associations, incoming, to_router,
                      [](const dicom::CommitmentReport&) { return false; }};

    Fixture() {
        test::require_dicom();
        reconfigure([](Config& changed) { changed.series_complete_trigger = Seconds(60); });
    }
    ~Fixture() {
        test::run_handler(io, [this] { group.cancel(); });
        run_until([&] { return group.empty(); });
        associations.join();
    }

    void watch() { group.start("completion", receiver.watch_completion()); }
    void arrive(const std::string& series, const std::string& sop = "1") {
        dicom::StoredInstance instance;
        instance.identity = {"1.2.840.10008.5.1.4.1.1.2", sop, "1", series, "1.2.840.10008.1.2.1"};
        instance.bytes = 100;
        const auto before = receiver.status().instances_total;
        receiver.instance_stored(instance);
        run_until([&] { return receiver.status().instances_total > before; });
        poll();
    }
    void poll() {
        io.restart();
        io.poll();
    }
    void advance(std::chrono::nanoseconds by) {
        clock.advance(by);
        poll();
    }
};

}  // namespace

TEST_CASE("A series goes to the router once it has been quiet for the trigger", "[pipeline][receiver]") {
    Fixture f;
    f.watch();
    f.arrive("1.1");
    f.advance(59s);
    f.arrive("1.1", "2");
    f.advance(59s);
    CHECK(f.to_router.size() == 0);
    f.advance(1s);
    CHECK(f.to_router.size() == 1);
    CHECK(f.receiver.status().instances_total == 2);
    CHECK(f.receiver.status().bytes_total == 200);
    CHECK(f.receiver.status().series_arriving == 0);
}

TEST_CASE("Somebody who sets the clock neither completes a series nor holds it back", "[pipeline][receiver]") {
    Fixture f;
    f.watch();
    f.arrive("1.1");
    f.clock.set_wall(f.clock.wall_now() + 24h);
    f.advance(10s);
    CHECK(f.to_router.size() == 0);
    f.clock.set_wall(f.clock.wall_now() - 48h);
    f.advance(50s);
    CHECK(f.to_router.size() == 1);
}

TEST_CASE("A shorter trigger counts at once after a reload", "[pipeline][receiver]") {
    Fixture f;
    f.watch();
    f.arrive("1.1");
    f.advance(1s);
    f.reconfigure([](Config& changed) { changed.series_complete_trigger = Seconds(5); });
    f.receiver.configuration_changed();
    f.poll();
    f.advance(4s);
    CHECK(f.to_router.size() == 1);
}

TEST_CASE("A series waits while an instance of it is being written", "[pipeline][receiver]") {
    Fixture f;
    f.watch();
    f.arrive("1.1");
    {
        auto writer = f.incoming.begin({"1.2.840.10008.5.1.4.1.1.2", "9", "1", "1.1", "1.2.840.10008.1.2.1"});
        REQUIRE(writer.ok());
        f.advance(61s);
        CHECK(f.to_router.size() == 0);
    }
    f.advance(61s);
    CHECK(f.to_router.size() == 1);
}

TEST_CASE("When the router's queue is full a series is not forgotten", "[pipeline][receiver]") {
    Fixture f;
    f.watch();
    for (const char* series : {"1.1", "1.2", "1.3"}) f.arrive(series);
    f.advance(60s);
    CHECK(f.to_router.size() == 2);
    CHECK(f.receiver.status().series_arriving == 1);
    auto take_all = [&]() -> boost::asio::awaitable<void> {
        co_await f.to_router.pop();
        co_await f.to_router.pop();
    };
    test::run_coroutine(f.io, take_all());
    f.advance(61s);
    CHECK(f.to_router.size() == 1);
}

TEST_CASE("A folder that nobody told us of is found, and counts from when it was touched", "[pipeline][receiver]") {
    Fixture f;
    test::write_file(f.root / "incoming" / "1.7" / "1.7#1.dcm", "image");
    test::write_file(f.root / "incoming" / "error" / "x.dcm", "image");
    test::write_file(f.root / "incoming" / ".routing-t" / "x.dcm", "image");
    const auto touched = std::chrono::file_clock::from_sys(f.clock.wall_now() - 50s);
    std::filesystem::last_write_time(f.root / "incoming" / "1.7", touched);
    f.watch();
    f.group.start("scan", f.receiver.scan_folders());
    f.run_until([&] { return f.receiver.status().series_arriving == 1; });
    f.advance(9s);
    CHECK(f.to_router.size() == 0);
    f.advance(2s);
    CHECK(f.to_router.size() == 1);
}

TEST_CASE("Refusals are counted and recorded", "[pipeline][receiver]") {
    Fixture f;
    f.receiver.instance_refused(dicom::Peer{"CT", "US", "192.0.2.1"}, "1.2", 0xA700, "disk full");
    f.receiver.association_rejected(dicom::Peer{"CT", "US", "192.0.2.1"}, "too many");
    f.poll();
    CHECK(f.receiver.status().refused_total == 1);
    CHECK(f.receiver.status().rejected_total == 1);
    CHECK(f.books.pending() == 2);
}
