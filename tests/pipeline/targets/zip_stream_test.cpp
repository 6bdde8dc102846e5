#include "pipeline/targets/zip_stream.hpp"

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <map>

using namespace quicksilver;

namespace {

Result<std::string> read_all(ZipStream& zip, std::size_t at_once) {
    HttpBodySource source = zip.source();
    std::string all, buffer(at_once, '\0');
    for (;;) {
        const auto got = source.read(buffer.data(), buffer.size());
        if (!got) return got.error();
        if (*got == 0) return all;
        all.append(buffer, 0, *got);
    }
}

std::map<std::string, std::string> unpack(const std::string& zip) {
    std::map<std::string, std::string> files;
    archive* reader = archive_read_new();
    archive_read_support_format_zip(reader);
    REQUIRE(archive_read_open_memory(reader, zip.data(), zip.size()) == ARCHIVE_OK);
    archive_entry* entry = nullptr;
    while (archive_read_next_header(reader, &entry) == ARCHIVE_OK) {
        std::string& content = files[archive_entry_pathname(entry)];
        std::string buffer(1000, '\0');
        for (la_ssize_t got = 1; got > 0;) {
            got = archive_read_data(reader, buffer.data(), buffer.size());
            if (got > 0) content.append(buffer, 0, static_cast<std::size_t>(got));
        }
    }
    archive_read_free(reader);
    return files;
}

}  // namespace

TEST_CASE("An archive holds every file under its name, however it is read", "[pipeline][targets][xnat]") {
    test::TemporaryFolder root;
    test::write_file(root / "a", std::string(700'000, 'a') + "end");
    test::write_file(root / "b", "");
    test::write_file(root / "c", "short");
    for (const std::size_t at_once : {1'000'000UL, 16'384UL, 7UL}) {
        CAPTURE(at_once);
        ZipStream zip({{"0.dcm", root / "a"}, {"1.dcm", root / "b"}, {"2.dcm", root / "c"}});
        const auto all = read_all(zip, at_once);
        REQUIRE(all.ok());
        const auto files = unpack(*all);
        CHECK(files.size() == 3);
        CHECK(files.at("0.dcm") == test::read_file(root / "a"));
        CHECK(files.at("1.dcm").empty());
        CHECK(files.at("2.dcm") == "short");
    }
}

TEST_CASE("A file that is gone ends the archive with an error that names it", "[pipeline][targets][xnat]") {
    test::TemporaryFolder root;
    test::write_file(root / "a", "here");
    ZipStream zip({{"0.dcm", root / "a"}, {"1.dcm", root / "gone"}});
    const auto all = read_all(zip, 100);
    REQUIRE_FALSE(all.ok());
    CHECK(all.error().message.find("gone") != std::string::npos);
}
