#include "quicksilver/dicom/editable_file.hpp"

#include "quicksilver/dicom/phantom.hpp"

#include "dicom/dicom_environment.hpp"
#include "dicom/dicom_files.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>

using namespace quicksilver;
using dicom::EditableFile;

namespace {

struct Editing {
    test::TemporaryFolder folder;

    Editing() { test::require_dicom(); }

    std::filesystem::path made(
        const std::function<void(DcmFileFormat&)>& change = [](DcmFileFormat&) {},
        E_TransferSyntax syntax = EXS_LittleEndianExplicit) {
        test::write_dicom(folder / "in.dcm", change, syntax);
        return folder / "in.dcm";
    }
    /// What `path` is after `edit` and saving.
    std::optional<std::string> after(const std::filesystem::path& file, const std::function<void(EditableFile&)>& edit,
                                     const std::string& path) {
        auto opened = EditableFile::open(file);
        REQUIRE(opened.ok());
        edit(*opened);
        const auto to = folder / "out.dcm";
        std::filesystem::remove(to);
        REQUIRE(opened->save(to).ok());
        return dicom::read_element(to, path);
    }
};

}  // namespace

TEST_CASE("Elements are set, made and removed at any depth", "[dicom][edit]") {
    Editing editing;
    const auto file = editing.made();
    const auto [path, value] = GENERATE(table<std::string, std::string>({
        {"PatientName", "New^Name"},
        {"0008,1030", "a study"},
        {"RequestAttributesSequence[1].ScheduledProcedureStepID", "step 7"},
        {"(0019,100c,\"OUR OWN\")", "private"},
        {"SeriesNumber", "12"},
        {"PatientWeight", "70.5"},
        {"StudyDate", "20260102"},
        {"RepresentativeFrameNumber", "3"},
        {"ImageType", "DERIVED\\SECONDARY"},
        {"StudyID", ""},
    }));
    CAPTURE(path);
    const auto set = [&](EditableFile& edited) {
        {
            const auto done = edited.set(path, value);
            INFO(done.error().message);
            REQUIRE(done.ok());
        }
    };
    CHECK(editing.after(file, set, path) == value);
    const auto remove = [&](EditableFile& edited) {
        REQUIRE(edited.set(path, value).ok());
        REQUIRE(edited.remove(path).ok());
    };
    CHECK(editing.after(file, remove, path) == std::nullopt);
}

TEST_CASE("A value that does not fit its representation is refused", "[dicom][edit]") {
    Editing editing;
    auto file = EditableFile::open(editing.made());
    REQUIRE(file.ok());
    const auto [path, value] = GENERATE(table<std::string, std::string>({
        {"StudyDate", "tomorrow"},
        {"SeriesNumber", "seven"},
        {"PatientSex", "ä"},
        {"StudyID", "more than sixteen letters"},
        {"RequestAttributesSequence", "some text"},
        {"StudyInstanceUID", "not.a.uid"},
        {"NoSuchKeyword", "x"},
    }));
    CAPTURE(path);
    const auto set = file->set(path, value);
    REQUIRE_FALSE(set.ok());
    CHECK(set.error().message.find(value) == std::string::npos);  // it may be of a patient
}

TEST_CASE("Letters that the file's character set lacks turn all of it into UTF-8", "[dicom][edit][charset]") {
    Editing editing;
    const auto file = editing.made([](DcmFileFormat& content) {
        content.getDataset()->putAndInsertString(DCM_SpecificCharacterSet, "ISO_IR 100");
        content.getDataset()->putAndInsertString(DCM_ReferringPhysicianName, "M\xfcller");
    });
    const auto set = [](EditableFile& edited) { REQUIRE(edited.set("PatientName", "山田").ok()); };
    CHECK(editing.after(file, set, "PatientName") == "山田");
    CHECK(dicom::read_element(editing.folder / "out.dcm", "ReferringPhysicianName") == "Müller");
    CHECK(dicom::read_element(editing.folder / "out.dcm", "SpecificCharacterSet") == "ISO_IR 192");
}

TEST_CASE("Pixels and transfer syntax stay, and the file meta information follows", "[dicom][edit]") {
    Editing editing;
    const auto syntax =
        GENERATE(dicom::PhantomSyntax::explicit_little_endian, dicom::PhantomSyntax::implicit_little_endian);
    dicom::PhantomOptions options;
    options.syntax = syntax;
    options.instances = 1;
    options.rows = options.columns = 256;
    const auto series = dicom::write_phantom_series(options, editing.folder / "series");
    REQUIRE(series.ok());
    const auto set = [](EditableFile& edited) { REQUIRE(edited.set("SOPInstanceUID", "1.2.3").ok()); };
    CHECK(editing.after(series->front(), set, "MediaStorageSOPInstanceUID") == "1.2.3");
    DcmFileFormat before, after;
    REQUIRE(before.loadFile(series->front().c_str()).good());
    REQUIRE(after.loadFile((editing.folder / "out.dcm").c_str()).good());
    CHECK(before.getDataset()->getOriginalXfer() == after.getDataset()->getOriginalXfer());
    const Uint16 *pixels = nullptr, *same = nullptr;
    unsigned long count = 0, same_count = 0;
    REQUIRE(before.getDataset()->findAndGetUint16Array(DCM_PixelData, pixels, &count).good());
    REQUIRE(after.getDataset()->findAndGetUint16Array(DCM_PixelData, same, &same_count).good());
    REQUIRE(count == same_count);
    CHECK(std::equal(pixels, pixels + count, same));
}

TEST_CASE("Private elements and repeated ones are removed from every item", "[dicom][edit]") {
    Editing editing;
    const auto file = editing.made([](DcmFileFormat& content) {
        DcmItem* item = nullptr;
        content.getDataset()->putAndInsertString(DcmTag(0x0009, 0x0010, EVR_LO), "MAKER");
        content.getDataset()->putAndInsertString(DcmTag(0x0009, 0x1001, EVR_LO), "secret");
        REQUIRE(content.getDataset()->findOrCreateSequenceItem(DCM_RequestAttributesSequence, item, 0).good());
        item->putAndInsertString(DcmTag(0x0009, 0x0010, EVR_LO), "MAKER");
        item->putAndInsertString(DcmTag(0x0009, 0x1001, EVR_LO), "secret");
        item->putAndInsertString(DCM_PatientID, "nested");
    });
    const auto remove = [](EditableFile& edited) {
        edited.remove_private();
        REQUIRE(edited.remove_everywhere("PatientID").ok());
    };
    CHECK(editing.after(file, remove, "PatientID") == std::nullopt);
    const std::string bytes = test::read_file(editing.folder / "out.dcm");
    for (const char* gone : {"MAKER", "secret", "nested"}) CHECK(bytes.find(gone) == std::string::npos);
}

TEST_CASE("A file that is cut short or no DICOM is refused", "[dicom][edit]") {
    Editing editing;
    dicom::PhantomOptions options;
    options.instances = 1;
    const auto series = dicom::write_phantom_series(options, editing.folder / "series");
    REQUIRE(series.ok());
    std::filesystem::resize_file(series->front(), std::filesystem::file_size(series->front()) - 1000);
    CHECK_FALSE(EditableFile::open(series->front()).ok());
    test::write_file(editing.folder / "text.dcm", "hello");
    CHECK_FALSE(EditableFile::open(editing.folder / "text.dcm").ok());
}

TEST_CASE("A name that is taken and a full disk are errors", "[dicom][edit]") {
    Editing editing;
    const auto file = EditableFile::open(editing.made());
    REQUIRE(file.ok());
    CHECK(file->save(editing.folder / "in.dcm").error().code == Errc::already_exists);
    CHECK_FALSE(file->save(editing.folder / "no/such/folder.dcm").ok());
}

TEST_CASE("What describes the pixels may not be set", "[dicom][edit]") {
    test::require_dicom();
    for (const char* path : {"Rows", "PixelData", "TransferSyntaxUID", "BitsStored", "SpecificCharacterSet"}) {
        CAPTURE(path);
        CHECK_FALSE(dicom::check_settable(path).ok());
    }
    for (const char* path : {"PatientName", "WindowCenter", "(0019,100c,\"X\")"})
        CHECK(dicom::check_settable(path).ok());
}
