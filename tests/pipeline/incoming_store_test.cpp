#include "quicksilver/pipeline/incoming_store.hpp"

#include "stage_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using test::FailingFileOps;
using test::read_file;
using test::write_file;

namespace {

dicom::InstanceIdentity instance(const std::string& series, const std::string& sop) {
    return dicom::InstanceIdentity{"1.2.840.10008.5.1.4.1.1.2", sop, "1", series, "1.2.840.10008.1.2.1"};
}

std::span<const std::byte> bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
}

Result<bool> store(IncomingStore& incoming, const std::string& series, const std::string& sop,
                   const std::string& content) {
    auto writer = incoming.begin(instance(series, sop));
    if (!writer) return writer.error();
    if (auto written = (*writer)->write(bytes(content)); !written) return written.error();
    return (*writer)->commit();
}

struct Fixture : test::StageFixture {
    std::filesystem::path incoming = root / "incoming";
    IncomingStore make(FileOps& file_ops) { return IncomingStore(file_ops, incoming, DiskReserve{0, 0}); }
    bool nothing_of(const std::string& series) const { return !std::filesystem::exists(incoming / series); }
};

}  // namespace

TEST_CASE("A committed instance lies under its final name, and nothing else does", "[pipeline][incoming]") {
    Fixture f;
    auto incoming = f.make(f.ops);
    const auto repeated = store(incoming, "1.2", "1.2.3", "content");
    REQUIRE(repeated.ok());
    CHECK_FALSE(*repeated);
    CHECK(read_file(f.incoming / "1.2" / "1.2#1.2.3.dcm") == "content");
    CHECK(std::distance(std::filesystem::directory_iterator(f.incoming / "1.2"), {}) == 1);
}

TEST_CASE("The same SOP Instance UID again takes the place of the first copy and is recognised",
          "[pipeline][incoming]") {
    Fixture f;
    auto incoming = f.make(f.ops);
    REQUIRE(store(incoming, "1.2", "1.2.3", "first").ok());
    const auto repeated = store(incoming, "1.2", "1.2.3", "second");
    REQUIRE(repeated.ok());
    CHECK(*repeated);
    CHECK(read_file(f.incoming / "1.2" / "1.2#1.2.3.dcm") == "second");
    CHECK(std::distance(std::filesystem::directory_iterator(f.incoming / "1.2"), {}) == 1);
}

TEST_CASE("An instance that is not committed leaves nothing behind", "[pipeline][incoming]") {
    Fixture f;
    auto incoming = f.make(f.ops);
    {
        auto writer = incoming.begin(instance("1.2", "1.2.3"));
        REQUIRE(writer.ok());
        REQUIRE((*writer)->write(bytes("half")).ok());
        CHECK(incoming.is_receiving("1.2"));
    }
    CHECK(f.nothing_of("1.2"));
    CHECK_FALSE(incoming.is_receiving("1.2"));
}

TEST_CASE("Whatever file operation fails, the instance is either stored whole or not at all", "[pipeline][incoming]") {
    for (const auto how : {FailingFileOps::How::once, FailingFileOps::How::disk_full}) {
        const unsigned failures = test::for_every_failure(how, [](FailingFileOps& ops) {
            Fixture f;
            auto incoming = f.make(ops);
            const auto stored = store(incoming, "1.2", "1.2.3", "content");
            ops.heal();
            const auto file = f.incoming / "1.2" / "1.2#1.2.3.dcm";
            if (stored) {
                CHECK(read_file(file) == "content");
            } else {
                CHECK_FALSE(std::filesystem::exists(file));
            }
        });
        CHECK(failures > 2);
    }
}

TEST_CASE("Whatever fails while an instance is repeated, the acknowledged copy or the new one is there",
          "[pipeline][incoming]") {
    test::for_every_failure(FailingFileOps::How::once, [](FailingFileOps& ops) {
        Fixture f;
        auto first = f.make(f.ops);
        REQUIRE(store(first, "1.2", "1.2.3", "first").ok());
        auto incoming = f.make(ops);
        const auto stored = store(incoming, "1.2", "1.2.3", "second");
        const std::string content = read_file(f.incoming / "1.2" / "1.2#1.2.3.dcm");
        CHECK((content == "second" || (!stored && content == "first")));
    });
}

TEST_CASE("A series cannot be claimed while an instance of it is being written", "[pipeline][incoming]") {
    Fixture f;
    auto incoming = f.make(f.ops);
    REQUIRE(store(incoming, "1.2", "1.2.3", "content").ok());
    {
        auto writer = incoming.begin(instance("1.2", "1.2.4"));
        REQUIRE(writer.ok());
        const auto claimed = incoming.claim("1.2", "task");
        REQUIRE_FALSE(claimed.ok());
        CHECK(claimed.error().code == Errc::busy);
    }
    const auto claimed = incoming.claim("1.2", "task");
    REQUIRE(claimed.ok());
    CHECK(claimed->filename() == ".routing-task");
    CHECK(std::filesystem::exists(*claimed / "1.2#1.2.3.dcm"));
    CHECK(f.nothing_of("1.2"));
    CHECK(incoming.claim("1.2", "other").error().code == Errc::not_found);
}

TEST_CASE("Instances that arrive after the claim begin a new folder", "[pipeline][incoming]") {
    Fixture f;
    auto incoming = f.make(f.ops);
    REQUIRE(store(incoming, "1.2", "1.2.3", "early").ok());
    REQUIRE(incoming.claim("1.2", "task").ok());
    REQUIRE(store(incoming, "1.2", "1.2.4", "late").ok());
    CHECK(std::filesystem::exists(f.incoming / "1.2" / "1.2#1.2.4.dcm"));
    CHECK_FALSE(std::filesystem::exists(f.incoming / "1.2" / "1.2#1.2.3.dcm"));
}

TEST_CASE("A claim refuses names that could leave the folder", "[pipeline][incoming]") {
    Fixture f;
    auto incoming = f.make(f.ops);
    for (const char* name : {"..", "../outgoing", ".routing-x", ""}) {
        CAPTURE(name);
        CHECK(incoming.claim(name, "task").error().code == Errc::invalid);
    }
}

TEST_CASE("Below the disk reserve there is no room, and a changed reserve counts at once", "[pipeline][incoming]") {
    Fixture f;
    IncomingStore incoming(f.ops, f.incoming, DiskReserve{0, 0});
    CHECK(incoming.has_room().ok());
    incoming.set_reserve(DiskReserve{std::uint64_t{1} << 60, 0});
    const auto room = incoming.has_room();
    REQUIRE_FALSE(room.ok());
    CHECK(room.error().code == Errc::no_space);
    CHECK(room.error().message.find("disk_free_min") != std::string::npos);
}

TEST_CASE("A start removes what was not acknowledged and keeps the rest", "[pipeline][incoming]") {
    Fixture f;
    auto incoming = f.make(f.ops);
    write_file(f.incoming / "1.2" / "1.2#1.dcm", "whole");
    write_file(f.incoming / "1.2" / "1.2#2.dcm.7.part", "hal");
    write_file(f.incoming / "1.3" / "1.3#1.dcm.8.part", "hal");
    const auto recovery = incoming.recover(nullptr);
    REQUIRE(recovery.ok());
    CHECK(recovery->unfinished == 2);
    CHECK(recovery->torn == 0);
    CHECK(std::filesystem::exists(f.incoming / "1.2" / "1.2#1.dcm"));
    CHECK_FALSE(std::filesystem::exists(f.incoming / "1.2" / "1.2#2.dcm.7.part"));
    CHECK(f.nothing_of("1.3"));
}

TEST_CASE("After a power cut torn files are set aside, and whole ones are kept", "[pipeline][incoming]") {
    Fixture f;
    auto incoming = f.make(f.ops);
    write_file(f.incoming / "1.2" / "1.2#1.dcm", "whole");
    write_file(f.incoming / "1.2" / "1.2#2.dcm", "torn");
    const auto is_whole = [](const std::filesystem::path& file) -> Result<bool> { return read_file(file) == "whole"; };
    const auto recovery = incoming.recover(is_whole);
    REQUIRE(recovery.ok());
    CHECK(recovery->torn == 1);
    CHECK(std::filesystem::exists(f.incoming / "1.2" / "1.2#1.dcm"));
    CHECK(read_file(f.incoming / "error" / "1.2#2.dcm") == "torn");
}
