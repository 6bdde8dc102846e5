#include "quicksilver/dicom/tag_reader.hpp"

#include "dicom/dicom_environment.hpp"
#include "dicom/dicom_files.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcfilefo.h>
#include <dcmtk/dcmdata/dcmetinf.h>
#include <dcmtk/dcmdata/dcuid.h>
#include <fmt/format.h>

#include <fstream>

using namespace quicksilver;
using dicom::read_element;
using dicom::read_tags;
using test::TemporaryFolder;
using test::write_dicom;

namespace {

Tags tags_of(const std::filesystem::path& file, const dicom::TagReadOptions& options = {}) {
    const Result<Tags> tags = read_tags(file, options);
    if (!tags) FAIL(tags.error().message);
    return *tags;
}

std::vector<std::string> keys_of(const Tags& tags) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : tags.entries()) keys.push_back(key);
    return keys;
}

}  // namespace

TEST_CASE("The tags have mercure's keys, in its order, with its repetitions, Filename last", "[dicom][tags]") {
    test::require_dicom();
    const TemporaryFolder folder;
    write_dicom(folder / "a.dcm", [](DcmFileFormat&) {});
    const std::vector<std::string> expected = {"SpecificCharacterSet",
                                               "SeriesInstanceUID",
                                               "SOPInstanceUID",
                                               "SenderAddress",
                                               "SenderAET",
                                               "ReceiverAET",
                                               "Modality",
                                               "BodyPartExamined",
                                               "ProtocolName",
                                               "SpecificCharacterSet",
                                               "Modality",
                                               "BodyPartExamined",
                                               "ProtocolName",
                                               "RetrieveAETitle",
                                               "StationAETitle",
                                               "Manufacturer",
                                               "ManufacturerModelName",
                                               "StudyDescription",
                                               "CodeValue",
                                               "CodeMeaning",
                                               "SeriesDescription",
                                               "PatientName",
                                               "PatientID",
                                               "PatientBirthDate",
                                               "PatientSex",
                                               "AccessionNumber",
                                               "ReferringPhysicianName",
                                               "StudyID",
                                               "SeriesNumber",
                                               "StudyInstanceUID",
                                               "SeriesDate",
                                               "SeriesTime",
                                               "AcquisitionDate",
                                               "AcquisitionTime",
                                               "SequenceName",
                                               "ScanningSequence",
                                               "SequenceVariant",
                                               "MagneticFieldStrength",
                                               "StationName",
                                               "DeviceSerialNumber",
                                               "DeviceUID",
                                               "SoftwareVersions",
                                               "ContrastBolusAgent",
                                               "ImageComments",
                                               "SliceThickness",
                                               "InstanceNumber",
                                               "AcquisitionNumber",
                                               "InstitutionName",
                                               "AcquisitionType",
                                               "ImageType",
                                               "MediaStorageSOPClassUID",
                                               "Filename"};
    CHECK(keys_of(tags_of(folder / "a.dcm")) == expected);
    CHECK(dicom::standard_tag_names() == expected);
}

TEST_CASE("Values are mercure's: joined by backslash, on one line, without double quotes", "[dicom][tags]") {
    test::require_dicom();
    const TemporaryFolder folder;
    write_dicom(folder / "a.dcm", [](DcmFileFormat& file) {
        DcmDataset& data = *file.getDataset();
        data.putAndInsertString(DCM_ImageType, "ORIGINAL\\PRIMARY\\M");
        data.putAndInsertString(DCM_ImageComments, "first\r\nsecond \"third\"");
        data.putAndInsertString(DCM_PatientName, "");
        data.putAndInsertString(DCM_SliceThickness, "1.50 ");
        data.putAndInsertString(DCM_StudyDescription, " head  ");
    });
    const Tags tags = tags_of(folder / "a.dcm");
    CHECK(tags.get("ImageType") == "ORIGINAL\\PRIMARY\\M");
    CHECK(tags.get("ImageComments") == "first; second 'third'");
    CHECK(tags.get("SliceThickness") == "1.50");
    REQUIRE(tags.find("PatientName") != nullptr);
    CHECK(tags.get("PatientName").empty());
    REQUIRE(tags.find("StationName") != nullptr);
    CHECK(tags.get("StationName").empty());
    CHECK(tags.get("StudyDescription") == "head");
}

TEST_CASE("Sender and receiver come from the file meta information", "[dicom][tags]") {
    test::require_dicom();
    const TemporaryFolder folder;
    write_dicom(folder / "a.dcm", [](DcmFileFormat& file) {
        DcmMetaInfo& meta = *file.getMetaInfo();
        meta.putAndInsertString(DCM_SourceApplicationEntityTitle, "STORER");
        meta.putAndInsertString(DCM_SendingApplicationEntityTitle, "MODALITY");
        meta.putAndInsertString(DCM_ReceivingApplicationEntityTitle, "QUICKSILVER");
        meta.putAndInsertString(DCM_SourcePresentationAddress, "192.0.2.7");
    });
    write_dicom(folder / "b.dcm", [](DcmFileFormat& file) {
        file.getMetaInfo()->putAndInsertString(DCM_SourceApplicationEntityTitle, "STORER");
    });
    const Tags received = tags_of(folder / "a.dcm");
    CHECK(received.get("SenderAddress") == "192.0.2.7");
    CHECK(received.get("SenderAET") == "MODALITY");
    CHECK(received.get("ReceiverAET") == "QUICKSILVER");
    CHECK(received.get("MediaStorageSOPClassUID") == UID_MRImageStorage);
    CHECK(tags_of(folder / "b.dcm").get("SenderAET") == "STORER");

    const auto given = read_tags(folder / "a.dcm", {}, {"198.51.100.1", "UPLOAD", "HERE"});
    REQUIRE(given.ok());
    CHECK(given->get("SenderAddress") == "198.51.100.1");
    CHECK(given->get("SenderAET") == "UPLOAD");
    CHECK(given->get("ReceiverAET") == "HERE");
}

TEST_CASE("Filename is the name that mercure's receiver gave", "[dicom][tags]") {
    test::require_dicom();
    const TemporaryFolder folder;
    const std::string ours = fmt::format("{}#1.2.3.4.dcm", test::series_uid);
    write_dicom(folder / ours, [](DcmFileFormat&) {});
    write_dicom(folder / "other#1.dcm", [](DcmFileFormat&) {});
    CHECK(tags_of(folder / ours).get("Filename") == "1.2.3.4");
    CHECK(tags_of(folder / "other#1.dcm").get("Filename") == "other#1.dcm");
}

TEST_CASE("Additional tags follow by keyword, unknown ones as numbers, nonsense as itself", "[dicom][tags]") {
    test::require_dicom();
    const TemporaryFolder folder;
    write_dicom(folder / "a.dcm", [](DcmFileFormat& file) {
        DcmDataset& data = *file.getDataset();
        data.putAndInsertString(DCM_EchoTime, "11");
        data.putAndInsertUint16(DCM_Rows, 512);
        data.putAndInsertString(DcmTag(0x0019, 0x0010, EVR_LO), "SOME VENDOR");
        data.putAndInsertString(DcmTag(0x0019, 0x10fe, EVR_LO), "private");
    });
    dicom::TagReadOptions options;
    options.additional_tags = {"EchoTime",      "0028,0010",         "(0019,10fe)",
                               "NoSuchKeyword", "TransferSyntaxUID", "ReferencedImageSequence"};
    const Tags tags = tags_of(folder / "a.dcm", options);
    CHECK(tags.get("EchoTime") == "11");
    CHECK(tags.get("Rows") == "512");
    CHECK(tags.get("(0019,10fe)") == "private");
    REQUIRE(tags.find("NoSuchKeyword") != nullptr);
    CHECK(tags.get("NoSuchKeyword").empty());
    CHECK(tags.get("TransferSyntaxUID") == UID_LittleEndianExplicitTransferSyntax);
    CHECK(tags.contains("ReferencedImageSequence"));
    CHECK(tags.entries().size() == dicom::standard_tag_names().size() + options.additional_tags.size());
    CHECK(tags.entries().back().first == "Filename");
}

TEST_CASE("A private element without a VR is text when it is printable, else numbers", "[dicom][tags]") {
    test::require_dicom();
    const TemporaryFolder folder;
    const auto add_private_elements = [](DcmFileFormat& file) {
        file.getDataset()->putAndInsertString(DcmTag(0x0019, 0x0010, EVR_LO), "SOME VENDOR");
        file.getDataset()->putAndInsertString(DcmTag(0x0019, 0x1001, EVR_LO), "b=100");
        file.getDataset()->putAndInsertUint16(DcmTag(0x0019, 0x1002, EVR_US), 0x0201);
    };
    write_dicom(folder / "a.dcm", add_private_elements, EXS_LittleEndianImplicit);
    const Tags tags = tags_of(folder / "a.dcm", {{"0019,1001", "0019,1002"}, {}});
    CHECK(tags.get("(0019,1001)") == "b=100");
    CHECK(tags.get("(0019,1002)") == "01\\02");
}

TEST_CASE("A value that is not of words but of megabytes counts as empty", "[dicom][tags]") {
    test::require_dicom();
    const TemporaryFolder folder;
    write_dicom(folder / "a.dcm", [](DcmFileFormat& file) {
        const std::string long_text(dicom::tag_value_bytes_max + 2, 'x');
        const std::string fair_text(100000, 'y');
        file.getDataset()->putAndInsertString(DCM_TextValue, long_text.c_str());
        file.getDataset()->putAndInsertString(DCM_ImageComments, fair_text.c_str());
    });
    const Tags tags = tags_of(folder / "a.dcm", {{"TextValue"}, {}});
    CHECK(tags.get("TextValue").empty());
    CHECK(tags.get("ImageComments").size() == 100000);
}

TEST_CASE("Text that does not fit its character set is read all the same, and its tags are named", "[dicom][tags]") {
    test::require_dicom();
    const TemporaryFolder folder;
    write_dicom(folder / "a.dcm", [](DcmFileFormat& file) {
        DcmDataset& data = *file.getDataset();
        data.putAndInsertString(DCM_SpecificCharacterSet, "NONSENSE");
        data.putAndInsertString(DCM_PatientName, "M\xfcller");
        data.putAndInsertString(DCM_InstitutionName, "Klinik Süd");
        data.putAndInsertString(DCM_StudyDescription, "Head");
    });
    std::vector<std::string> guessed;
    dicom::TagReadOptions options;
    options.on_guessed_text = [&guessed](const std::string& tag) { guessed.push_back(tag); };
    const Tags tags = tags_of(folder / "a.dcm", options);
    CHECK(tags.get("PatientName") == "Müller");
    CHECK(tags.get("InstitutionName") == "Klinik Süd");
    CHECK(guessed == std::vector<std::string>{"PatientName", "InstitutionName"});
}

TEST_CASE("Only the head of a file is read, whatever its size", "[dicom][tags]") {
    test::require_dicom();
    const TemporaryFolder folder;
    // Pixel data that claims 4 GB - 2 and is not there: whoever tries to read it fails.
    write_dicom(folder / "a.dcm", [](DcmFileFormat&) {});
    std::ofstream(folder / "a.dcm", std::ios::app | std::ios::binary)
        << std::string("\xe0\x7f\x10\x00OW\x00\x00\xfe\xff\xff\xff", 12);
    CHECK(tags_of(folder / "a.dcm").get("Modality") == "MR");
}

TEST_CASE("A data set without file meta information has tags, too", "[dicom][tags]") {
    test::require_dicom();
    const TemporaryFolder folder;
    DcmFileFormat file;
    file.getDataset()->putAndInsertString(DCM_SOPInstanceUID, "1.2.3");
    file.getDataset()->putAndInsertString(DCM_Modality, "US");
    const std::string path = (folder / "raw").string();
    REQUIRE(file.getDataset()->saveFile(path.c_str(), EXS_LittleEndianImplicit).good());
    CHECK(tags_of(path).get("Modality") == "US");
    CHECK(tags_of(path).get("MediaStorageSOPClassUID").empty());
}

TEST_CASE("What is not a DICOM file is refused with the reason", "[dicom][tags]") {
    test::require_dicom();
    const TemporaryFolder folder;
    test::write_file(folder / "text", "This is not an image, and nothing in it is DICOM at all.\n");
    test::write_file(folder / "empty", "");
    test::write_file(folder / "zeros", std::string(5000, '\0'));
    const std::string name = GENERATE("text", "empty", "zeros");
    const auto tags = read_tags(folder / name);
    REQUIRE_FALSE(tags.ok());
    CHECK(tags.error().code == Errc::invalid);
    CHECK(tags.error().message.find(name) != std::string::npos);
    CHECK(read_tags(folder / "missing").error().code == Errc::not_found);
    CHECK(read_tags(folder.path()).error().code == Errc::io);
    CHECK_FALSE(read_element(folder / name, "Modality").has_value());
}

TEST_CASE("A tag name is a keyword or a pair of numbers", "[dicom][tags]") {
    test::require_dicom();
    CHECK(dicom::is_known_tag("PatientName"));
    CHECK(dicom::is_known_tag("0018,0080"));
    CHECK(dicom::is_known_tag("(0019,10FE)"));
    const std::string wrong =
        GENERATE("", "Patientname", "18,80", "0018,00800", "0018;0080", "(0018,0080", "001g,0080");
    CHECK_FALSE(dicom::is_known_tag(wrong));
}

TEST_CASE("One element is found by keyword, by numbers, in sequences, and by private creator", "[dicom][tags]") {
    test::require_dicom();
    const TemporaryFolder folder;
    write_dicom(folder / "a.dcm", [](DcmFileFormat& file) {
        DcmDataset& data = *file.getDataset();
        data.putAndInsertString(DCM_SpecificCharacterSet, "ISO_IR 100");
        DcmItem* item = nullptr;
        data.findOrCreateSequenceItem(DCM_RequestAttributesSequence, item, 0);
        item->putAndInsertString(DCM_ScheduledProcedureStepID, "first");
        data.findOrCreateSequenceItem(DCM_RequestAttributesSequence, item, 1);
        item->putAndInsertString(DCM_ScheduledProcedureStepID, "zw\xf6lf");
        data.putAndInsertString(DcmTag(0x0019, 0x0010, EVR_LO), "OTHER");
        data.putAndInsertString(DcmTag(0x0019, 0x0011, EVR_LO), "SOME VENDOR 1.0");
        data.putAndInsertString(DcmTag(0x0019, 0x100c, EVR_LO), "wrong");
        data.putAndInsertString(DcmTag(0x0019, 0x110c, EVR_LO), "right");
        data.putAndInsertString(DCM_PatientComments, "");
    });
    const auto [path, expected] = GENERATE(table<std::string, std::optional<std::string>>({
        {"Modality", "MR"},
        {"0008,0060", "MR"},
        {"RequestAttributesSequence[0].ScheduledProcedureStepID", "first"},
        {"RequestAttributesSequence.ScheduledProcedureStepID", "first"},
        {"(0040,0275)[1].0040,0009", "zwölf"},
        {"(0019,100c,\"SOME VENDOR 1.0\")", "right"},
        {"0019,100c", "wrong"},
        {"PatientComments", ""},
        {"MediaStorageSOPClassUID", UID_MRImageStorage},
        {"RequestAttributesSequence[2].ScheduledProcedureStepID", std::nullopt},
        {"RequestAttributesSequence[x].ScheduledProcedureStepID", std::nullopt},
        {"Modality.PatientName", std::nullopt},
        {"(0019,100c,\"NOBODY\")", std::nullopt},
        {"EchoTime", std::nullopt},
        {"Nonsense", std::nullopt},
        {"", std::nullopt},
        {"Modality.", std::nullopt},
    }));
    CAPTURE(path);
    CHECK(read_element(folder / "a.dcm", path) == expected);
}
