#include "dicom/pixel_tail.hpp"

#include "quicksilver/dicom/phantom.hpp"

#include "dicom/dicom_environment.hpp"
#include "dicom/dicom_files.hpp"
#include "dicom/file_writer.hpp"
#include "dicom/loaded_file.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>

#include <fcntl.h>
#include <fstream>
#include <unistd.h>

using namespace quicksilver;
namespace fs = std::filesystem;

namespace {

std::optional<dicom::PixelTail> tail_of(const fs::path& file, DcmDataset& data_set) {
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(descriptor >= 0);
    const auto tail = dicom::find_pixel_tail(data_set, descriptor);
    ::close(descriptor);
    return tail;
}

std::optional<dicom::PixelTail> tail_of(const fs::path& file) {
    const auto loaded = dicom::load_file(file, DCM_UndefinedTagKey);
    REQUIRE(loaded.ok());
    return tail_of(file, *(*loaded)->getDataset());
}

fs::path phantom(const fs::path& folder, dicom::PhantomSyntax syntax) {
    dicom::PhantomOptions options;
    options.instances = 1;
    options.syntax = syntax;
    const auto series = dicom::write_phantom_series(options, folder);
    REQUIRE(series.ok());
    return series->front();
}

/// Written twice: once with the pixel data copied, and once all by DCMTK.
void check_same_both_ways(const fs::path& file, const fs::path& folder) {
    INFO(file);
    for (const bool copied : {true, false}) {
        const auto loaded = dicom::load_file(file, DCM_UndefinedTagKey);
        REQUIRE(loaded.ok());
        const fs::path to = folder / (copied ? "copied" : "encoded");
        fs::remove(to);
        REQUIRE(dicom::write_new_file(**loaded, copied ? file : folder / "absent", to).ok());
        CHECK((*loaded)->getDataset()->tagExists(DCM_PixelData));
    }
    const bool is_same = test::read_file(folder / "copied") == test::read_file(folder / "encoded");
    CHECK(is_same);
}

}  // namespace

TEST_CASE("The pixel data of a file is found by its length from the end", "[dicom][pixel_tail]") {
    test::require_dicom();
    const test::TemporaryFolder folder;
    const std::uint64_t pixels = 128 * 128 * 2;
    const auto written = phantom(folder / "explicit", dicom::PhantomSyntax::explicit_little_endian);
    const auto tail = tail_of(written);
    REQUIRE(tail);
    CHECK(tail->bytes == pixels + 12);
    CHECK(tail->offset + tail->bytes == fs::file_size(written));
    const auto implicit = tail_of(phantom(folder / "implicit", dicom::PhantomSyntax::implicit_little_endian));
    REQUIRE(implicit);
    CHECK(implicit->bytes == pixels + 8);
}

TEST_CASE("Pixel data that is not the end of its file is left to DCMTK", "[dicom][pixel_tail]") {
    test::require_dicom();
    const test::TemporaryFolder folder;
    const auto file = phantom(folder.path(), dicom::PhantomSyntax::explicit_little_endian);
    const auto rewritten = [&](const std::function<void(DcmDataset&)>& change) {
        DcmFileFormat content;
        REQUIRE(content.loadFile(file.c_str()).good());
        change(*content.getDataset());
        REQUIRE(
            content.saveFile((folder / "changed").c_str(), EXS_LittleEndianExplicit, EET_ExplicitLength, EGL_noChange)
                .good());
        return tail_of(folder / "changed");
    };
    CHECK(rewritten([](DcmDataset&) {}));
    CHECK_FALSE(rewritten([](DcmDataset& data) {
        data.putAndInsertUint8Array(DCM_DataSetTrailingPadding, reinterpret_cast<const Uint8*>("pad!"), 4);
    }));
    CHECK_FALSE(rewritten([](DcmDataset& data) { data.putAndInsertUint32(DcmTag(0x7fe0, 0x0000, EVR_UL), 4); }));
    CHECK_FALSE(rewritten([](DcmDataset& data) { data.findAndDeleteElement(DCM_PixelData); }));
}

TEST_CASE("Pixel data that was read or replaced is written from memory", "[dicom][pixel_tail]") {
    test::require_dicom();
    const test::TemporaryFolder folder;
    const auto file = phantom(folder.path(), dicom::PhantomSyntax::explicit_little_endian);
    const auto loaded = dicom::load_file(file, DCM_UndefinedTagKey);
    REQUIRE(loaded.ok());
    DcmDataset& data = *(*loaded)->getDataset();
    REQUIRE(tail_of(file, data));
    const std::vector<Uint16> other(128UL * 128UL, 7);
    REQUIRE(data.putAndInsertUint16Array(DCM_PixelData, other.data(), other.size()).good());
    CHECK_FALSE(tail_of(file, data));
}

TEST_CASE("Copied pixel data gives the bytes that DCMTK writes", "[dicom][pixel_tail]") {
    test::require_dicom();
    const test::TemporaryFolder folder;
    unsigned native = 0;
    unsigned compressed = 0;
    for (const auto& entry : fs::directory_iterator(test::pydicom_data() / "test_files")) {
        if (entry.path().extension() != ".dcm") continue;
        const auto loaded = dicom::load_file(entry.path(), DCM_UndefinedTagKey);
        if (!loaded || (*loaded)->getDataset()->card() == 0) continue;
        DcmDataset& data_set = *(*loaded)->getDataset();
        if (!tail_of(entry.path(), data_set)) continue;
        ++(DcmXfer(data_set.getOriginalXfer()).isEncapsulated() ? compressed : native);
        check_same_both_ways(entry.path(), folder.path());
    }
    CHECK(native > 5);
    CHECK(compressed > 5);
    for (const auto syntax :
         {dicom::PhantomSyntax::explicit_little_endian, dicom::PhantomSyntax::implicit_little_endian}) {
        check_same_both_ways(phantom(folder / "phantom", syntax), folder.path());
    }
}
