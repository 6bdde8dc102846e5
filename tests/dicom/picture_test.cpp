#include "quicksilver/dicom/picture.hpp"

#include "quicksilver/dicom/phantom.hpp"

#include "dicom/dicom_environment.hpp"
#include "dicom/dicom_files.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <vector>

using namespace quicksilver;
using namespace quicksilver::dicom;
using namespace quicksilver::test;

namespace {

struct Size {
    unsigned width, height;
};

/// Of a PNG: the first eight bytes of its header chunk.
Size size_of(const std::string& png) {
    const auto number = [&](std::size_t at) {
        unsigned value = 0;
        for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(png.at(at + i));
        return value;
    };
    return {number(16), number(20)};
}

}  // namespace

TEST_CASE("A slice becomes a small picture of the same shape", "[dicom][picture]") {
    require_dicom();
    TemporaryFolder folder;
    PhantomOptions options;
    options.instances = 1;
    options.rows = 64;
    options.columns = 128;
    const auto files = write_phantom_series(options, folder.path());
    REQUIRE(files.ok());
    const auto small = render_png(files->front(), PictureOptions{32, 0, true});
    REQUIRE(small.ok());
    CHECK(small->starts_with("\x89PNG"));
    CHECK(size_of(*small).width == 32);
    CHECK(size_of(*small).height == 16);
    // Not enlarged, and the last frame stands for one that does not exist.
    const auto whole = render_png(files->front(), PictureOptions{384, 99, false});
    REQUIRE(whole.ok());
    CHECK(size_of(*whole).width == 128);
}

TEST_CASE("The frame that is wanted becomes the picture, without a wish the middle one", "[dicom][picture]") {
    require_dicom();
    const auto file = pydicom_data() / "test_files" / "SC_rgb_rle_2frame.dcm";
    const auto first = render_png(file, PictureOptions{96, 0, true});
    const auto second = render_png(file, PictureOptions{96, 1, true});
    const auto middle = render_png(file, PictureOptions{96, std::nullopt, true});
    REQUIRE((first.ok() && second.ok() && middle.ok()));
    CHECK(*first != *second);
    CHECK(*middle == *second);
}

TEST_CASE("What is no image gives an error and no crash", "[dicom][picture]") {
    require_dicom();
    TemporaryFolder folder;
    write_dicom(folder / "no-pixels.dcm", [](DcmFileFormat&) {});
    write_file(folder / "text.dcm", "no DICOM at all");
    write_file(folder / "empty.dcm", "");
    for (const char* name : {"no-pixels.dcm", "text.dcm", "empty.dcm"}) {
        INFO(name);
        const auto picture = render_png(folder / name);
        REQUIRE_FALSE(picture.ok());
        CHECK(picture.error().code == Errc::invalid);
    }
    CHECK(render_png(folder / "none.dcm").error().code == Errc::not_found);
}

TEST_CASE("Pictures are made of whatever compression and colour the codecs read", "[dicom][picture]") {
    require_dicom();
    for (const char* name :
         {"CT_small.dcm", "MR_small.dcm", "MR_small_bigendian.dcm", "MR_small_RLE.dcm", "MR_small_jpeg_ls_lossless.dcm",
          "JPEG-lossy.dcm", "SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_rle_2frame.dcm", "SC_rgb_small_odd_jpeg.dcm",
          "ExplVR_BigEnd.dcm", "SC_ybr_full_422_uncompressed.dcm"}) {
        INFO(name);
        const auto picture = render_png(pydicom_data() / "test_files" / name, PictureOptions{96, 1, true});
        INFO((picture ? "" : picture.error().message));
        CHECK(picture.ok());
    }
}
