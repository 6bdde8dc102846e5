#include "quicksilver/http/zip_archive.hpp"

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <zlib.h>

using namespace quicksilver;
using namespace quicksilver::test;

namespace {

std::vector<ZipArchive::File> make_entries(const TemporaryFolder& folder, const std::vector<std::string>& contents) {
    std::vector<ZipArchive::File> entries;
    for (const std::string& content : contents) {
        const auto file = folder / ("file" + std::to_string(entries.size()));
        write_file(file, content);
        entries.push_back(
            {file, "ü" + file.filename().string(), content.size(), WallTime(std::chrono::hours(450'000))});
    }
    return entries;
}

std::string read_all(ZipArchive& zip, std::size_t piece) {
    std::string all;
    for (;;) {
        const std::string got = zip.read(all.size(), piece);
        if (got.empty()) return all;
        all += got;
    }
}

std::uint32_t number_at(const std::string& bytes, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t n = 4; n-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes.at(at + n));
    return value;
}

}  // namespace

TEST_CASE("An archive has the size that was said, and reads the same in whatever pieces", "[http][zip]") {
    const TemporaryFolder folder;
    const std::string large(300'000, 'x');
    const auto entries = make_entries(folder, {"hello", "", large});
    ZipArchive whole(entries);
    const std::string all = read_all(whole, 1 << 20);
    CHECK(all.size() == whole.size());
    ZipArchive in_pieces(entries);
    CHECK(read_all(in_pieces, 7777) == all);
    ZipArchive from_the_middle(entries);
    std::string end;
    while (end.size() < 500) end += from_the_middle.read(all.size() - 500 + end.size(), 500);
    CHECK(end == all.substr(all.size() - 500));
}

TEST_CASE("What was not sent is read in pieces before the end of an archive", "[http][zip]") {
    const TemporaryFolder folder;
    const std::size_t half = ZipArchive::prepared_at_once / 2;
    const auto entries = make_entries(folder, std::vector<std::string>(5, std::string(half, 'x')));
    ZipArchive zip(entries);
    CHECK(zip.prepare(0));
    CHECK(zip.prepare(half));
    int pieces = 1;
    while (!zip.prepare(zip.size() - 100)) ++pieces;
    CHECK(pieces == 3);
    const std::string end = zip.read(zip.size() - 100, 100);
    for (const ZipArchive::File& file : entries) write_file(file.path, "");
    CHECK(zip.read(zip.size() - 100, 100) == end);
    ZipArchive whole(make_entries(folder, std::vector<std::string>(5, std::string(half, 'x'))));
    CHECK(read_all(whole, 1 << 20).ends_with(end));
}

TEST_CASE("The directory of an archive has place and checksum of each file", "[http][zip]") {
    const TemporaryFolder folder;
    ZipArchive zip(make_entries(folder, {"hello"}));
    const std::string all = read_all(zip, 1000);
    const std::size_t directory = number_at(all, all.size() - 6);
    CHECK(all.substr(directory, 4) == "PK\x01\x02");
    const std::string text = "hello";
    const auto checksum = ::crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), text.size());
    CHECK(number_at(all, directory + 16) == checksum);
    CHECK(number_at(all, directory + 20) == 5);
    CHECK(number_at(all, directory + 42) == 0);
    CHECK(all.substr(0, 4) == "PK\x03\x04");
}

TEST_CASE("An archive without files is one", "[http][zip]") {
    ZipArchive zip({});
    CHECK(zip.read(0, 100).size() == 22);
    CHECK(zip.read(22, 100).empty());
}

TEST_CASE("A file that has become shorter breaks the archive off", "[http][zip]") {
    const TemporaryFolder folder;
    const auto entries = make_entries(folder, {"hello"});
    write_file(entries[0].path, "he");
    ZipArchive zip(entries);
    CHECK_THROWS(read_all(zip, 1000));
    ZipArchive gone(entries);
    std::filesystem::remove(entries[0].path);
    CHECK_THROWS(read_all(gone, 1000));
}
