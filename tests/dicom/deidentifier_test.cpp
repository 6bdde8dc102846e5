#include "quicksilver/dicom/deidentifier.hpp"

#include "quicksilver/dicom/uids.hpp"

#include "dicom/dicom_environment.hpp"
#include "dicom/dicom_files.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcsequen.h>
#include <dcmtk/dcmdata/dcuid.h>
#include <dcmtk/dcmdata/dcvrobow.h>
#include <fmt/format.h>

#include <algorithm>

using namespace quicksilver;
namespace fs = std::filesystem;

namespace {

dicom::Pseudonyms pseudonyms() {
    return dicom::Pseudonyms([](std::string_view purpose, std::string_view text) {
        const std::string number = dicom::make_uid("key" + std::string(purpose) + '\n' + std::string(text));
        dicom::Pseudonyms::Digest digest{};
        std::copy_n(number.end() - 32, 32, digest.begin());
        return digest;
    });
}

struct Deidentifying {
    test::TemporaryFolder folder;
    dicom::DeidentificationOptions options;

    Deidentifying() { test::require_dicom(); }

    Result<void> apply(const fs::path& from, const fs::path& to) const {
        auto file = dicom::EditableFile::open(from);
        if (!file) return file.error();
        if (auto done = dicom::Deidentifier(options, pseudonyms()).apply(*file); !done) return done;
        return file->save(to);
    }
    /// An instance made by `change`, after it.
    fs::path made(const std::function<void(DcmDataset&)>& change) const {
        fs::remove(folder / "in.dcm");
        fs::remove(folder / "out.dcm");
        test::write_dicom(folder / "in.dcm", [&](DcmFileFormat& file) { change(*file.getDataset()); });
        const auto done = apply(folder / "in.dcm", folder / "out.dcm");
        if (!done) FAIL(done.error().message);
        return folder / "out.dcm";
    }
    std::string text(const fs::path& file, const char* path) const {
        return dicom::read_element(file, path).value_or("(absent)");
    }
};

void fill(DcmDataset& data) {
    data.putAndInsertString(DCM_PatientName, "Mustermann^Erika");
    data.putAndInsertString(DCM_PatientID, "PID-471108");
    data.putAndInsertString(DCM_PatientBirthDate, "19600312");
    data.putAndInsertString(DCM_AccessionNumber, "ACC-99887");
    data.putAndInsertString(DCM_StudyDate, "20240301");
    data.putAndInsertString(DCM_StudyInstanceUID, "1.2.826.77.1");
    data.putAndInsertString(DCM_FrameOfReferenceUID, "1.2.826.77.3");
    data.putAndInsertString(DCM_StudyDescription, "Head of Mrs Mustermann, 12.03.1960");
    data.putAndInsertString(DCM_InstitutionName, "Hospital Elsewhere");
    data.putAndInsertString(DCM_DeviceSerialNumber, "SN-5555");
    data.putAndInsertString(DCM_PatientAge, "064Y");
    data.putAndInsertString(DCM_Manufacturer, "Maker");
}

/// A value that says something; empty for what has no text.
std::string example_of(DcmEVR vr) {
    switch (vr) {
        case EVR_AE:
        case EVR_CS:
        case EVR_LO:
        case EVR_LT:
        case EVR_SH:
        case EVR_ST:
        case EVR_UC:
        case EVR_UR:
        case EVR_UT:
            return "ERIKA 471108";
        case EVR_PN:
            return "Erika^471108";
        case EVR_AS:
            return "064Y";
        case EVR_DA:
            return "19600312";
        case EVR_DT:
            return "19600312112233";
        case EVR_TM:
            return "112233";
        case EVR_DS:
        case EVR_IS:
        case EVR_US:
        case EVR_UL:
        case EVR_SS:
        case EVR_SL:
        case EVR_FD:
        case EVR_FL:
            return "47";
        case EVR_UI:
            return "1.2.826.47.1";
        default:
            return "";
    }
}

}  // namespace

TEST_CASE("The basic profile leaves who it was nowhere, and says what was done", "[dicom][deidentify]") {
    const Deidentifying work;
    const fs::path file = work.made(fill);
    CHECK(work.text(file, "PatientName").starts_with("ANON-"));
    CHECK(work.text(file, "PatientID") == work.text(file, "PatientName"));
    CHECK(work.text(file, "PatientBirthDate").empty());
    CHECK(work.text(file, "StudyDescription") == "(absent)");
    CHECK(work.text(file, "PatientAge") == "(absent)");
    CHECK(work.text(file, "Manufacturer") == "Maker");
    CHECK(work.text(file, "StudyInstanceUID").starts_with("2.25."));
    CHECK(work.text(file, "MediaStorageSOPInstanceUID") == work.text(file, "SOPInstanceUID"));
    CHECK(work.text(file, "PatientIdentityRemoved") == "YES");
    CHECK(work.text(file, "DeidentificationMethod") == "Basic Application Confidentiality Profile");
    CHECK(work.text(file, "DeidentificationMethodCodeSequence[0].CodeValue") == "113100");
    CHECK(work.text(file, "LongitudinalTemporalInformationModified") == "REMOVED");
    const std::string bytes = test::read_file(file);
    for (const char* gone : {"Mustermann", "Erika", "PID-471108", "19600312", "ACC-99887", "20240301", "1.2.826.77",
                             "Elsewhere", "SN-5555", test::instance_uid}) {
        CAPTURE(gone);
        CHECK(bytes.find(gone) == std::string::npos);
    }
}

TEST_CASE("Every attribute of the table is treated as its row says, also in sequences", "[dicom][deidentify]") {
    const Deidentifying work;
    struct Case {
        DcmTagKey tag;
        dicom::Treatment treatment;
        std::string value;
    };
    std::vector<Case> cases;
    const auto make = [&](DcmItem& item, bool note) {
        for (const dicom::ConfidentialityRow& row : dicom::confidentiality_rows()) {
            const DcmTag tag(static_cast<Uint16>(row.tag >> 16U), static_cast<Uint16>(row.tag & 0xFFFFU));
            const dicom::Treatment treatment = dicom::treatment_of(row, work.options.profile);
            // What names the file itself is asked for below; curves and overlays are of a test of their own.
            const bool is_special = tag.getGroup() < 8 || tag.getGroup() >= 0x5000 || tag == DCM_SOPInstanceUID;
            const std::string value = example_of(tag.getEVR());
            if (is_special || value.empty()) continue;
            REQUIRE(item.putAndInsertString(tag, value.c_str()).good());
            if (note) cases.push_back({tag, treatment, value});
        }
    };
    const fs::path file = work.made([&](DcmDataset& data) {
        DcmItem* inner = nullptr;
        // A sequence that the profile keeps.
        REQUIRE(data.findOrCreateSequenceItem(DCM_AnatomicRegionSequence, inner).good());
        make(*inner, false);
        make(data, true);
    });
    CHECK(cases.size() > 450);
    for (const Case& each : cases) {
        const std::string name = fmt::format("{:04x},{:04x}", each.tag.getGroup(), each.tag.getElement());
        for (const std::string& path : {name, "AnatomicRegionSequence[0]." + name}) {
            CAPTURE(path, int(each.treatment));
            const auto after = dicom::read_element(file, path);
            switch (each.treatment) {
                case dicom::Treatment::keep:
                    CHECK(after == each.value);
                    break;
                case dicom::Treatment::remove:
                    CHECK_FALSE(after);
                    break;
                case dicom::Treatment::empty:
                    REQUIRE(after);
                    CHECK(*after != each.value);
                    break;
                default:
                    REQUIRE(after);
                    CHECK_FALSE(after->empty());
                    CHECK(*after != each.value);
            }
        }
    }
}

TEST_CASE("Sequences are treated by the same table, however deep", "[dicom][deidentify]") {
    const Deidentifying work;
    const fs::path file = work.made([](DcmDataset& data) {
        fill(data);
        DcmItem *outer = nullptr, *inner = nullptr;
        REQUIRE(data.findOrCreateSequenceItem(DCM_ReferencedImageSequence, outer, 0).good());
        outer->putAndInsertString(DCM_ReferencedSOPInstanceUID, "1.2.826.77.3");
        outer->putAndInsertString(DCM_ReferencedSOPClassUID, UID_MRImageStorage);
        REQUIRE(outer->findOrCreateSequenceItem(DCM_PurposeOfReferenceCodeSequence, inner, 0).good());
        inner->putAndInsertString(DCM_CodeMeaning, "Localizer of Erika");
        inner->putAndInsertString(DCM_OperatorsName, "Operator^Olga");
    });
    CHECK(work.text(file, "ReferencedImageSequence[0].ReferencedSOPInstanceUID") ==
          work.text(file, "FrameOfReferenceUID"));
    CHECK(work.text(file, "ReferencedImageSequence[0].ReferencedSOPClassUID") == UID_MRImageStorage);
    CHECK(work.text(file, "ReferencedImageSequence[0].PurposeOfReferenceCodeSequence[0].CodeMeaning") ==
          "Localizer of ***");
    CHECK(test::read_file(file).find("Olga") == std::string::npos);
}

TEST_CASE("Elements that lost their value representation are known again by their tag", "[dicom][deidentify]") {
    const Deidentifying work;
    const fs::path file = work.made([](DcmDataset& data) {
        fill(data);
        const auto as_unknown = [&data](const DcmTagKey& key, const std::string& bytes) {
            auto element = std::make_unique<DcmOtherByteOtherWord>(DcmTag(key, EVR_UN));
            REQUIRE(element->putUint8Array(reinterpret_cast<const Uint8*>(bytes.data()), bytes.size()).good());
            REQUIRE(data.insert(element.release(), OFTrue).good());
        };
        as_unknown(DCM_PatientName, "Mustermann^Max");
        as_unknown(DCM_Manufacturer, "Other maker ");
        as_unknown(DCM_SamplesPerPixel, std::string("\x03\0", 2));
        as_unknown(DCM_OtherPatientIDsSequence, "Mustermann  ");
    });
    CHECK(work.text(file, "PatientName").starts_with("ANON-"));
    CHECK(work.text(file, "Manufacturer") == "Other maker");
    CHECK(work.text(file, "SamplesPerPixel") == "3");
    CHECK(test::read_file(file).find("Mustermann") == std::string::npos);
}

TEST_CASE("Private attributes go, but for the safe ones when they are wanted", "[dicom][deidentify]") {
    Deidentifying work;
    const auto add = [](DcmDataset& data) {
        fill(data);
        data.putAndInsertString(DcmTag(0x0019, 0x0010, EVR_LO), "SIEMENS MR HEADER");
        data.putAndInsertString(DcmTag(0x0019, 0x100c, EVR_IS), "1000");
        data.putAndInsertString(DcmTag(0x0019, 0x1008, EVR_LO), "unsafe");
        data.putAndInsertString(DcmTag(0x0029, 0x0011, EVR_LO), "DECLARED");
        data.putAndInsertString(DcmTag(0x0029, 0x1101, EVR_LO), "declared safe");
        data.putAndInsertString(DcmTag(0x0029, 0x1102, EVR_LO), "not declared");
        DcmItem* item = nullptr;
        REQUIRE(data.findOrCreateSequenceItem(DCM_PrivateDataElementCharacteristicsSequence, item, 0).good());
        item->putAndInsertUint16(DCM_PrivateGroupReference, 0x0029);
        item->putAndInsertString(DCM_PrivateCreatorReference, "DECLARED");
        item->putAndInsertString(DCM_BlockIdentifyingInformationStatus, "MIXED");
        item->putAndInsertUint16(DCM_NonidentifyingPrivateElements, 0x01);
    };
    SECTION("all go") {
        const std::string bytes = test::read_file(work.made(add));
        for (const char* gone : {"SIEMENS MR", "unsafe", "1000 "}) CHECK(bytes.find(gone) == std::string::npos);
    }
    SECTION("safe ones stay") {
        work.options.profile.retain_safe_private = true;
        const fs::path file = work.made(add);
        CHECK(work.text(file, "(0019,100c,\"SIEMENS MR HEADER\")") == "1000");
        CHECK(work.text(file, "(0029,1001,\"DECLARED\")") == "declared safe");
        const std::string bytes = test::read_file(file);
        CHECK(bytes.find("unsafe") == std::string::npos);
        CHECK(bytes.find("not declared") == std::string::npos);
    }
}

TEST_CASE("Curves and overlays go; cleaned, overlays of regions stay", "[dicom][deidentify]") {
    Deidentifying work;
    const auto add = [](DcmDataset& data) {
        fill(data);
        data.putAndInsertString(DcmTag(0x5000, 0x0030, EVR_SH), "curve");
        for (const Uint16 group : {Uint16{0x6000}, Uint16{0x6002}}) {
            const Uint16 bits[] = {1, 2};
            data.putAndInsertUint16Array(DcmTag(group, 0x3000, EVR_OW), bits, 2);
            data.putAndInsertString(DcmTag(group, 0x0040, EVR_CS), group == 0x6000 ? "G" : "R");
        }
    };
    SECTION("by default") {
        const fs::path file = work.made(add);
        for (const char* gone : {"6000,3000", "6000,0040", "6002,3000", "5000,0030"}) {
            CHECK(work.text(file, gone) == "(absent)");
        }
    }
    SECTION("cleaned") {
        work.options.profile.clean_graphics = true;
        const fs::path file = work.made(add);
        CHECK(work.text(file, "6000,0040") == "(absent)");
        CHECK(work.text(file, "6002,0040") == "R");
    }
}

TEST_CASE("Options keep and clean what they say", "[dicom][deidentify]") {
    Deidentifying work;
    auto& profile = work.options.profile;
    SECTION("UIDs") {
        profile.retain_uids = true;
        CHECK(work.text(work.made(fill), "StudyInstanceUID") == "1.2.826.77.1");
    }
    SECTION("institution, device, patient characteristics") {
        profile.retain_institution_identity = profile.retain_device_identity = true;
        profile.retain_patient_characteristics = true;
        const fs::path file = work.made(fill);
        CHECK(work.text(file, "InstitutionName") == "Hospital Elsewhere");
        CHECK(work.text(file, "DeviceSerialNumber") == "SN-5555");
        CHECK(work.text(file, "PatientAge") == "064Y");
    }
    SECTION("full dates") {
        profile.retain_full_dates = true;
        const fs::path file = work.made(fill);
        CHECK(work.text(file, "StudyDate") == "20240301");
        CHECK(work.text(file, "LongitudinalTemporalInformationModified") == "UNMODIFIED");
    }
    SECTION("modified dates") {
        profile.retain_modified_dates = true;
        const fs::path file = work.made(fill);
        const std::string date = work.text(file, "StudyDate");
        CHECK(date.size() == 8);
        CHECK(date < "20240301");
        CHECK(work.text(file, "LongitudinalTemporalInformationModified") == "MODIFIED");
        CHECK(work.text(file, "DeidentificationMethodCodeSequence[1].CodeValue") == "113107");
    }
    SECTION("descriptors") {
        profile.clean_descriptors = true;
        CHECK(work.text(work.made(fill), "StudyDescription") == "Head of Mrs ***, ***");
    }
}

TEST_CASE("A structured report keeps nothing of its content, or all but identity", "[dicom][deidentify]") {
    Deidentifying work;
    const auto add = [](DcmDataset& data) {
        fill(data);
        DcmItem* item = nullptr;
        REQUIRE(data.findOrCreateSequenceItem(DCM_ContentSequence, item, 0).good());
        item->putAndInsertString(DCM_ValueType, "TEXT");
        item->putAndInsertString(DCM_TextValue, "Erika has two nodules");
    };
    SECTION("by default") {
        const std::string bytes = test::read_file(work.made(add));
        CHECK(bytes.find("nodules") == std::string::npos);
    }
    SECTION("cleaned") {
        work.options.profile.clean_structured_content = true;
        CHECK(work.text(work.made(add), "ContentSequence[0].TextValue") == "*** has two nodules");
    }
}

TEST_CASE("Images that may show the patient's name are refused with the reason", "[dicom][deidentify]") {
    Deidentifying work;
    const auto [burned_in, modality, sop_class, refused] = GENERATE(table<std::string, std::string, std::string, bool>({
        {"YES", "CT", UID_CTImageStorage, true},
        {"NO", "US", UID_UltrasoundImageStorage, false},
        {"", "US", UID_UltrasoundImageStorage, true},
        {"", "CT", UID_SecondaryCaptureImageStorage, true},
        {"", "CT", UID_CTImageStorage, false},
    }));
    CAPTURE(burned_in, modality);
    test::write_dicom(work.folder / "in.dcm", [&, b = burned_in, m = modality, s = sop_class](DcmFileFormat& file) {
        const Uint16 pixels[] = {1, 2};
        fill(*file.getDataset());
        if (!b.empty()) file.getDataset()->putAndInsertString(DCM_BurnedInAnnotation, b.c_str());
        file.getDataset()->putAndInsertString(DCM_Modality, m.c_str());
        file.getDataset()->putAndInsertString(DCM_SOPClassUID, s.c_str());
        file.getDataset()->putAndInsertUint16Array(DcmTag(DCM_PixelData, EVR_OW), pixels, 2);
    });
    const auto done = work.apply(work.folder / "in.dcm", work.folder / "out.dcm");
    CHECK(done.ok() != refused);
    if (!done) CHECK(done.error().message.find("accept_burned_in") != std::string::npos);
    work.options.accept_burned_in = true;
    CHECK(work.apply(work.folder / "in.dcm", work.folder / "accepted.dcm").ok());
}

TEST_CASE("In no sample file is anything left that tells who it was", "[dicom][deidentify][samples]") {
    Deidentifying work;
    work.options.accept_burned_in = true;
    const auto options = GENERATE(0, 1);
    work.options.profile.clean_descriptors = work.options.profile.clean_structured_content = options == 1;
    work.options.profile.clean_graphics = work.options.profile.retain_modified_dates = options == 1;
    work.options.profile.retain_safe_private = options == 1;
    unsigned searched = 0;
    for (const auto& entry : fs::recursive_directory_iterator(test::pydicom_data())) {
        if (entry.path().extension() != ".dcm" || !dicom::EditableFile::open(entry.path())) continue;
        if (work.text(entry.path(), "SOPInstanceUID") == "(absent)") continue;
        const fs::path to = work.folder / ("out" + std::to_string(++searched) + ".dcm");
        const auto done = work.apply(entry.path(), to);
        CAPTURE(entry.path(), done.error().message);
        REQUIRE(done.ok());
        const std::string bytes = test::read_file(to);
        for (const char* path : {"PatientName", "PatientID", "PatientBirthDate", "AccessionNumber", "StudyInstanceUID",
                                 "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID", "StudyDate",
                                 "ReferringPhysicianName", "OperatorsName", "InstitutionName", "StationName"}) {
            const std::string value = dicom::read_element(entry.path(), path).value_or("");
            if (value.size() < 5 || value.starts_with("1.2.840.10008.")) continue;
            CAPTURE(path, value);
            CHECK(bytes.find(value) == std::string::npos);
        }
    }
    CHECK(searched > 50);
}
