#include "quicksilver/dicom/phantom.hpp"

#include "quicksilver/dicom/tag_reader.hpp"

#include "dicom/dicom_environment.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcfilefo.h>
#include <dcmtk/dcmdata/dcuid.h>
#include <dcmtk/dcmimgle/dcmimage.h>

#include <set>

using namespace quicksilver;
using dicom::PhantomModality;
using dicom::PhantomOptions;
using dicom::PhantomSyntax;
using dicom::write_phantom_series;
using test::TemporaryFolder;

namespace {

std::vector<std::filesystem::path> write(const PhantomOptions& options, const std::filesystem::path& folder) {
    const auto files = write_phantom_series(options, folder);
    if (!files) FAIL(files.error().message);
    return *files;
}

/// The mean brightness of a rectangle around a place of the picture, both from 0 to 1.
double brightness_at(const std::filesystem::path& file, double x, double y) {
    DicomImage image(file.c_str());
    REQUIRE(image.getStatus() == EIS_Normal);
    image.setWindow(0);
    const auto* pixels = static_cast<const Uint8*>(image.getOutputData(8));
    REQUIRE(pixels != nullptr);
    const unsigned long left = static_cast<unsigned long>(x * static_cast<double>(image.getWidth())) - 2;
    const unsigned long top = static_cast<unsigned long>(y * static_cast<double>(image.getHeight())) - 2;
    double sum = 0;
    for (unsigned long row = top; row < top + 4; ++row) {
        for (unsigned long column = left; column < left + 4; ++column) sum += pixels[row * image.getWidth() + column];
    }
    return sum / 16;
}

}  // namespace

TEST_CASE("A phantom series is one study, one series and as many instances as asked for", "[dicom][phantom]") {
    test::require_dicom();
    const TemporaryFolder folder;
    PhantomOptions options;
    options.modality = GENERATE(PhantomModality::ct, PhantomModality::mr);
    options.syntax = GENERATE(PhantomSyntax::explicit_little_endian, PhantomSyntax::implicit_little_endian);
    options.instances = 5;
    options.patient_name = "Mäuse^Micky";
    options.series_description = "axial";
    const auto files = write(options, folder / "new");
    REQUIRE(files.size() == 5);
    std::set<std::string> studies, series, instances;
    for (const auto& file : files) {
        const auto tags = dicom::read_tags(file, {{"TransferSyntaxUID"}, {}});
        REQUIRE(tags.ok());
        studies.insert(tags->get("StudyInstanceUID"));
        series.insert(tags->get("SeriesInstanceUID"));
        instances.insert(tags->get("SOPInstanceUID"));
        const bool ct = options.modality == PhantomModality::ct;
        CHECK(tags->get("Modality") == (ct ? "CT" : "MR"));
        CHECK(tags->get("MediaStorageSOPClassUID") == (ct ? UID_CTImageStorage : UID_MRImageStorage));
        CHECK(tags->get("TransferSyntaxUID") == (options.syntax == PhantomSyntax::explicit_little_endian
                                                     ? UID_LittleEndianExplicitTransferSyntax
                                                     : UID_LittleEndianImplicitTransferSyntax));
        CHECK(tags->get("PatientName") == "Mäuse^Micky");
        CHECK(tags->get("SeriesDescription") == "axial");
        CHECK(file.filename() == tags->get("SOPInstanceUID") + ".dcm");
    }
    CHECK(studies.size() == 1);
    CHECK(series.size() == 1);
    CHECK(instances.size() == 5);
    CHECK(dicom::read_tags(files[2])->get("InstanceNumber") == "3");
}

TEST_CASE("The same seed gives the same bytes, another seed another series", "[dicom][phantom]") {
    test::require_dicom();
    const TemporaryFolder folder;
    PhantomOptions options;
    options.instances = 2;
    const auto first = write(options, folder / "first");
    const auto again = write(options, folder / "again");
    REQUIRE(first[1].filename() == again[1].filename());
    CHECK(test::read_file(first[1]) == test::read_file(again[1]));
    options.seed = 2;
    CHECK(write(options, folder / "other")[1].filename() != first[1].filename());
}

TEST_CASE("Given UIDs are used, and series of one study differ by their number", "[dicom][phantom]") {
    test::require_dicom();
    const TemporaryFolder folder;
    PhantomOptions options;
    options.instances = 1;
    options.study_uid = "1.2.3";
    const auto one = dicom::read_tags(write(options, folder.path()).front());
    options.series_number = 2;
    const auto two = dicom::read_tags(write(options, folder.path()).front());
    options.series_uid = "1.2.3.4";
    const auto three = dicom::read_tags(write(options, folder.path()).front());
    CHECK(one->get("StudyInstanceUID") == "1.2.3");
    CHECK(two->get("StudyInstanceUID") == "1.2.3");
    CHECK(one->get("SeriesInstanceUID") != two->get("SeriesInstanceUID"));
    CHECK(three->get("SeriesInstanceUID") == "1.2.3.4");
}

TEST_CASE("The picture shows a head: dark around it, a bright skull, something in between inside", "[dicom][phantom]") {
    test::require_dicom();
    const TemporaryFolder folder;
    PhantomOptions options;
    options.instances = 3;
    const auto files = write(options, folder.path());
    const double air = brightness_at(files[1], 0.05, 0.05);
    const double skull = brightness_at(files[1], 0.5, 0.065);
    const double brain = brightness_at(files[1], 0.5, 0.5);
    CHECK(air < brain);
    CHECK(brain < skull);
}

TEST_CASE("Instances can be small and large, and the file has the size of its picture", "[dicom][phantom]") {
    test::require_dicom();
    const TemporaryFolder folder;
    const std::uint64_t bytes = GENERATE(2U, 600U, 32768U, 524288U, 20'000'000U);
    PhantomOptions options;
    options.instances = 1;
    dicom::set_picture_bytes(options, bytes);
    const auto file = write(options, folder.path()).front();
    const auto size = std::filesystem::file_size(file);
    CHECK(size >= bytes * 99 / 100);
    CHECK(size <= bytes + 3000);
    DcmFileFormat content;
    REQUIRE(content.loadFile(file.c_str()).good());
    DcmElement* pixels = nullptr;
    REQUIRE(content.getDataset()->findAndGetElement(DCM_PixelData, pixels).good());
    CHECK(pixels->getLength() == 2U * options.rows * options.columns);
}

TEST_CASE("A series that cannot be written says why", "[dicom][phantom]") {
    test::require_dicom();
    const TemporaryFolder folder;
    PhantomOptions too_large;
    too_large.rows = too_large.columns = 65535;
    CHECK(write_phantom_series(too_large, folder.path()).error().code == Errc::invalid);
    PhantomOptions no_pixels;
    no_pixels.rows = 0;
    CHECK(write_phantom_series(no_pixels, folder.path()).error().code == Errc::invalid);
    PhantomOptions long_name;
    long_name.patient_name = std::string(40000, 'x');
    CHECK(write_phantom_series(long_name, folder.path()).error().code == Errc::invalid);
    test::write_file(folder / "file", "");
    CHECK(write_phantom_series({}, folder / "file").error().code == Errc::io);
    const auto full = write_phantom_series({}, "/dev/full");
    CHECK_FALSE(full.ok());
}
