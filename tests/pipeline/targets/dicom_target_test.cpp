#include "quicksilver/dicom/phantom.hpp"
#include "quicksilver/pipeline/targets/commitment_reports.hpp"
#include "quicksilver/pipeline/targets/target.hpp"

#include "dicom/running_listener.hpp"
#include "support/catch.hpp"
#include "support/failing_file_ops.hpp"
#include "support/temporary_folder.hpp"

#include <set>

using namespace quicksilver;

namespace {

struct Fixture {
    test::RunningListener peer;
    test::TemporaryFolder root;
    test::FailingFileOps ops;
    CommitmentReports reports;
    TargetRegistry registry;
    TargetConfig config;
    StopFlag stop{false};
    std::set<std::string> confirmed;

    Fixture() {
        register_builtin_targets(registry, ops, reports);
        config.name = "pacs";
        config.type = "dicom";
        config.settings = {{"ip", "127.0.0.1"}, {"port", peer.port()}, {"aet_target", "PACS"}};
    }

    std::unique_ptr<Target> make() { return std::move(registry.make(config, Config{}).value()); }
    Delivery series(std::uint64_t seed, unsigned instances = 3) {
        dicom::PhantomOptions options;
        options.instances = instances;
        options.rows = options.columns = 16;
        options.seed = seed;
        Delivery delivery;
        delivery.folder = root / std::to_string(seed);
        delivery.instances = dicom::write_phantom_series(options, delivery.folder).value();
        return delivery;
    }
    Result<Receipt> send(Target& target, const Delivery& delivery) {
        const auto record = [this](const std::string& file, std::uint16_t) { confirmed.insert(file); };
        return target.send(delivery, record, stop);
    }
};

}  // namespace

TEST_CASE("An association is kept for the next task and closed when none waits", "[pipeline][targets][dicom]") {
    Fixture f;
    const auto target = f.make();
    for (const std::uint64_t seed : {1UL, 2UL, 3UL}) REQUIRE(f.send(*target, f.series(seed)).ok());
    CHECK(f.confirmed.size() == 9);
    CHECK(f.peer.store.associations_began() == 1);
    target->rest();
    REQUIRE(f.send(*target, f.series(4)).ok());
    CHECK(f.peer.store.associations_began() == 2);
}

TEST_CASE("A target is tested by name, address, association and echo", "[pipeline][targets][dicom]") {
    Fixture f;
    TargetTest test(TargetTest::Depth::full, f.stop);
    f.make()->test(test);
    std::vector<std::string> names;
    for (const TestStep& step : test.steps()) names.push_back(step.name);
    CHECK(names == std::vector<std::string>({"dns", "tcp", "associate", "echo"}));
    CHECK(test.ok());
}

TEST_CASE("A test says at which step it failed, and what to do", "[pipeline][targets][dicom]") {
    Fixture f;
    SECTION("no such name") {
        f.config.settings["ip"] = "no-such-host.invalid";
        TargetTest test(TargetTest::Depth::full, f.stop);
        f.make()->test(test);
        CHECK(test.steps().back().name == "dns");
        CHECK(test.code() == Errc::network);
        CHECK_FALSE(test.steps().back().hint.empty());
    }
    SECTION("nobody listens") {
        boost::asio::io_context io;
        boost::asio::ip::tcp::acceptor unused(io, {boost::asio::ip::make_address("127.0.0.1"), 0});
        f.config.settings["port"] = unused.local_endpoint().port();
        unused.close();
        TargetTest test(TargetTest::Depth::full, f.stop);
        f.make()->test(test);
        CHECK(test.steps().back().name == "tcp");
        CHECK(test.steps().back().hint.find("port") != std::string::npos);
    }
}

TEST_CASE("Settings that cannot work are refused when the target is made", "[pipeline][targets][dicom]") {
    Fixture f;
    const std::pair<nlohmann::json, const char*> cases[] = {
        {{{"accepted_statuses", {"0x0111", "many"}}}, "\"many\" is not a DIMSE status"},
        {{{"accepted_statuses", {"0x10000"}}}, "is not a DIMSE status"},
        {{{"transfer_syntax", "jpeg_2000_lossless"}}, "cannot convert to the transfer syntax jpeg_2000_lossless"},
        {{{"transfer_syntax", "deflated"}}, "cannot convert"},
    };
    for (const auto& [settings, reason] : cases) {
        f.config.settings = settings;
        const auto made = f.registry.make(f.config, Config{});
        REQUIRE_FALSE(made.ok());
        CHECK(made.error().message.find(reason) != std::string::npos);
    }
}

TEST_CASE("Images are converted to the target's transfer syntax", "[pipeline][targets][dicom]") {
    for (const char* syntax : {"jpeg_lossless", "jpeg_ls_lossless", "rle_lossless", "implicit_little_endian"}) {
        CAPTURE(syntax);
        Fixture f;
        f.config.settings["transfer_syntax"] = syntax;
        const auto target = f.make();
        const auto sent = f.send(*target, f.series(1));
        REQUIRE(sent.ok());
        CHECK(sent->instances == 3);
        CHECK(sent->streamed == 0);
        target->rest();
    }
}
