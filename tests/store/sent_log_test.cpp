#include "quicksilver/store/sent_log.hpp"

#include "support/catch.hpp"
#include "support/failing_file_ops.hpp"
#include "support/temporary_folder.hpp"

#include <fstream>

using namespace quicksilver;
using namespace quicksilver::test;
using How = FailingFileOps::How;

namespace {

SentRecord record(const std::string& target, const std::string& file, std::uint16_t status = 0) {
    return SentRecord{target, file, status, "2026-11-22T10:00:00.000Z"};
}

void append_raw(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path, std::ios::app | std::ios::binary) << text;
}

}  // namespace

TEST_CASE("Confirmations are read back in order, each target's on their own", "[store]") {
    TemporaryFolder folder;
    const auto ops = make_file_ops();
    {
        auto log = SentLog::open(*ops, folder.path());
        REQUIRE(log.ok());
        REQUIRE(log->append(record("pacs", "s#1.dcm")));
        REQUIRE(log->append(record("pacs", "s#2.dcm", 0xB000)));
        REQUIRE(log->append(record("research", "s#1.dcm")));
        REQUIRE(log->finish());
    }
    const auto records = read_sent_log(folder.path());
    REQUIRE(records.ok());
    REQUIRE(records->size() == 3);
    CHECK((*records)[1].file == "s#2.dcm");
    CHECK((*records)[1].status == 0xB000);
    CHECK((*records)[1].time == "2026-11-22T10:00:00.000Z");
    const auto pacs = confirmed_files(folder.path(), "pacs");
    CHECK(*pacs == std::set<std::string>{"s#1.dcm", "s#2.dcm"});
    CHECK(*confirmed_files(folder.path(), "nobody") == std::set<std::string>());
}

TEST_CASE("What a target withdraws is no longer confirmed, until it is confirmed anew", "[store]") {
    TemporaryFolder folder;
    const auto ops = make_file_ops();
    auto log = SentLog::open(*ops, folder.path());
    REQUIRE(log.ok());
    for (const char* file : {"s#1.dcm", "s#2.dcm"}) REQUIRE(log->append(record("pacs", file)));
    SentRecord lost = record("pacs", "s#1.dcm", 0x0112);
    lost.withdrawn = true;
    REQUIRE(log->append(lost));
    CHECK(*confirmed_files(folder.path(), "pacs") == std::set<std::string>{"s#2.dcm"});
    REQUIRE(log->append(record("pacs", "s#1.dcm")));
    CHECK(*confirmed_files(folder.path(), "pacs") == std::set<std::string>{"s#1.dcm", "s#2.dcm"});
}

TEST_CASE("Each confirmation is in the file at once, not at the end", "[store]") {
    TemporaryFolder folder;
    const auto ops = make_file_ops();
    auto log = SentLog::open(*ops, folder.path());
    REQUIRE(log->append(record("pacs", "1.dcm")));
    CHECK(read_sent_log(folder.path())->size() == 1);
}

TEST_CASE("A torn last line is ignored, and the next one is not glued to it", "[store]") {
    TemporaryFolder folder;
    const auto ops = make_file_ops();
    REQUIRE(SentLog::open(*ops, folder.path())->append(record("pacs", "1.dcm")));
    append_raw(folder / "sent.log", R"({"target":"pacs","file":"2.d)");
    CHECK(*confirmed_files(folder.path(), "pacs") == std::set<std::string>{"1.dcm"});

    REQUIRE(SentLog::open(*ops, folder.path())->append(record("pacs", "3.dcm")));
    CHECK(*confirmed_files(folder.path(), "pacs") == std::set<std::string>{"1.dcm", "3.dcm"});
}

TEST_CASE("A whole line without its end counts as torn: the instance is sent again", "[store]") {
    TemporaryFolder folder;
    append_raw(folder / "sent.log", R"({"target":"pacs","file":"1.dcm","status":0,"time":""})");
    CHECK(confirmed_files(folder.path(), "pacs")->empty());
}

TEST_CASE("Lines that are no confirmations are skipped", "[store]") {
    TemporaryFolder folder;
    append_raw(folder / "sent.log", "\n[]\n{}\nnull\n{\"target\":1,\"file\":\"a\",\"status\":0,\"time\":\"\"}\n\xff\n");
    CHECK(read_sent_log(folder.path())->empty());
}

TEST_CASE("A task without a log has no confirmations", "[store]") {
    TemporaryFolder folder;
    CHECK(read_sent_log(folder.path())->empty());
}

TEST_CASE("A log whose writing fails at any call keeps what was confirmed before", "[store][faults]") {
    const auto how = GENERATE(How::once, How::disk_full, How::crash);
    for_every_failure(how, [](FailingFileOps& ops) {
        TemporaryFolder folder;
        std::set<std::string> accepted;
        try {
            auto log = SentLog::open(ops, folder.path(), 2);
            for (const char* file : {"1", "2", "3", "4", "5"}) {
                if (log.ok() && log->append(record("pacs", file)).ok()) accepted.insert(file);
            }
            if (log.ok()) (void)log->finish();
        } catch (const SimulatedCrash&) {
        }
        ops.heal();
        REQUIRE(SentLog::open(ops, folder.path())->append(record("pacs", "last")));
        accepted.insert("last");
        const auto confirmed = confirmed_files(folder.path(), "pacs");
        // One more than accepted is possible: written, but not synced.
        CHECK(std::includes(confirmed->begin(), confirmed->end(), accepted.begin(), accepted.end()));
    });
}
