#include "dicom/identity_scan.hpp"

#include "quicksilver/dicom/file_meta.hpp"

#include "dicom/dicom_environment.hpp"
#include "dicom/dicom_files.hpp"
#include "dicom/instance_identity.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcitem.h>
#include <dcmtk/dcmdata/dcsequen.h>

#include <random>

using namespace quicksilver;
using namespace quicksilver::dicom;

namespace {

struct DataSet {
    std::string syntax;
    std::string bytes;
};

/// Nothing for a file without file meta information.
std::optional<DataSet> data_set_of(const std::filesystem::path& file) {
    const std::string bytes = test::read_file(file);
    const auto meta = parse_file_meta(std::as_bytes(std::span(bytes)));
    if (!meta) return std::nullopt;
    return DataSet{meta->transfer_syntax_uid, bytes.substr(meta->data_set_offset)};
}

DataSet synthetic(E_TransferSyntax syntax, const std::function<void(DcmDataset&)>& change = nullptr) {
    test::TemporaryFolder folder;
    const auto edit = [&](DcmFileFormat& file) {
        if (change) change(*file.getDataset());
    };
    test::write_dicom(folder / "a.dcm", edit, syntax);
    return data_set_of(folder / "a.dcm").value();
}

std::optional<InstanceIdentity> scan(const DataSet& data_set) {
    return scan_identity(std::as_bytes(std::span(data_set.bytes)), data_set.syntax);
}

/// What the scan finds is what the parser finds. Returns whether it found anything.
bool agrees(const DataSet& data_set) {
    const auto scanned = scan(data_set);
    if (!scanned) return false;
    const auto parsed = parse_identity(std::as_bytes(std::span(data_set.bytes)), data_set.syntax, true);
    REQUIRE(parsed.ok());
    CHECK(scanned->sop_class_uid == parsed->sop_class_uid);
    CHECK(scanned->sop_instance_uid == parsed->sop_instance_uid);
    CHECK(scanned->study_instance_uid == parsed->study_instance_uid);
    CHECK(scanned->series_instance_uid == parsed->series_instance_uid);
    return true;
}

void add_sequence(DcmDataset& data_set) {
    auto* sequence = new DcmSequenceOfItems(DCM_ReferencedStudySequence);
    for (int i = 0; i < 2; ++i) {
        auto* item = new DcmItem;
        item->putAndInsertString(DCM_ReferencedSOPInstanceUID, "1.2.3");
        item->putAndInsertString(DCM_SeriesInstanceUID, "9.9.9");
        sequence->append(item);
    }
    data_set.insert(sequence, true);
}

}  // namespace

TEST_CASE("The UIDs of plain data sets are found without parsing", "[dicom][identity]") {
    test::require_dicom();
    const auto syntax = GENERATE(EXS_LittleEndianExplicit, EXS_LittleEndianImplicit);
    CHECK(agrees(synthetic(syntax)));
    CHECK(agrees(synthetic(syntax, add_sequence)));
    CHECK(scan(synthetic(syntax))->series_instance_uid == test::series_uid);
}

TEST_CASE("Data sets that are not plain are left to the parser", "[dicom][identity]") {
    test::require_dicom();
    CHECK_FALSE(scan(synthetic(EXS_BigEndianExplicit)).has_value());
    const auto odd = [](DcmDataset& data_set) { data_set.putAndInsertString(DCM_SeriesInstanceUID, "1.2\\3.4"); };
    CHECK_FALSE(scan(synthetic(EXS_LittleEndianExplicit, odd)).has_value());
    const auto none = [](DcmDataset& data_set) { data_set.findAndDeleteElement(DCM_SeriesInstanceUID); };
    CHECK_FALSE(scan(synthetic(EXS_LittleEndianExplicit, none)).has_value());
    CHECK_FALSE(scan(DataSet{"1.2.840.10008.1.2.1", ""}).has_value());
    DataSet swapped = synthetic(EXS_LittleEndianExplicit);
    swapped.bytes = swapped.bytes.substr(8) + swapped.bytes;
    CHECK_FALSE(scan(swapped).has_value());
}

TEST_CASE("What is found in the sample files is what the parser finds", "[dicom][identity][samples]") {
    test::require_dicom();
    std::size_t found = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(test::pydicom_data())) {
        if (entry.path().extension() != ".dcm") continue;
        const auto data_set = data_set_of(entry.path());
        if (!data_set) continue;
        CAPTURE(entry.path().filename().string());
        if (agrees(*data_set)) ++found;
    }
    CHECK(found >= 50);
}

TEST_CASE("Damaged data sets are left to the parser, or give what it gives", "[dicom][identity]") {
    test::require_dicom();
    const auto syntax = GENERATE(EXS_LittleEndianExplicit, EXS_LittleEndianImplicit);
    const DataSet whole = synthetic(syntax, add_sequence);
    for (std::size_t length = 0; length < whole.bytes.size(); length += 3) {
        const DataSet cut{whole.syntax, whole.bytes.substr(0, length)};
        if (const auto scanned = scan(cut)) CHECK(scanned->series_instance_uid == test::series_uid);
    }
    std::mt19937 random(4711);
    for (int round = 0; round < 3000; ++round) {
        DataSet damaged = whole;
        damaged.bytes[random() % damaged.bytes.size()] = static_cast<char>(random());
        CAPTURE(round);
        (void)scan(damaged);  // whatever it says, it ends and reads nothing beyond the bytes
    }
}
