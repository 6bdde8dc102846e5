#include "quicksilver/dicom/file_meta.hpp"

#include "dicom_environment.hpp"
#include "dicom_files.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcmetinf.h>
#include <xxhash.h>

using namespace quicksilver;
using namespace quicksilver::dicom;

namespace {

const InstanceIdentity identity{"1.2.840.10008.5.1.4.1.1.2", "1.2.3", "1.2", "1.2.1", "1.2.840.10008.1.2.1"};
const Peer peer{"SENDER", "RECEIVER", "192.0.2.7"};

std::string file_with(const std::string& data_set) {
    EncodedFileMeta meta = encode_file_meta(identity, peer);
    const DataSetChecksum checksum{data_set.size(), XXH3_64bits(data_set.data(), data_set.size())};
    meta.bytes.replace(meta.checksum_offset, std::string::npos, encode_checksum(checksum));
    return meta.bytes + data_set;
}

}  // namespace

TEST_CASE("File meta information is read back as it was written", "[dicom][meta]") {
    const std::string file = file_with("data set");
    const auto meta = parse_file_meta(std::as_bytes(std::span(file)));
    REQUIRE(meta.ok());
    CHECK(meta->sop_class_uid == identity.sop_class_uid);
    CHECK(meta->sop_instance_uid == identity.sop_instance_uid);
    CHECK(meta->transfer_syntax_uid == identity.transfer_syntax_uid);
    CHECK(meta->source_ae == "SENDER");
    CHECK(meta->peer.calling_ae == "SENDER");
    CHECK(meta->peer.called_ae == "RECEIVER");
    CHECK(meta->peer.address == "192.0.2.7");
    REQUIRE(meta->checksum.has_value());
    CHECK(meta->checksum->bytes == 8);
    CHECK(file.substr(meta->data_set_offset) == "data set");
}

TEST_CASE("DCMTK reads our file meta information and the provenance in it", "[dicom][meta]") {
    test::require_dicom();
    test::TemporaryFolder folder;
    // (0008,0060) CS 2 "MR"
    test::write_file(folder / "a.dcm", file_with(std::string("\x08\x00\x60\x00"
                                                             "CS\x02\x00MR",
                                                             10)));
    DcmFileFormat file;
    REQUIRE(file.loadFile((folder / "a.dcm").c_str()).good());
    OFString text;
    CHECK(file.getMetaInfo()->findAndGetOFString(DCM_SendingApplicationEntityTitle, text).good());
    CHECK(text == "SENDER");
    CHECK(file.getMetaInfo()->findAndGetOFString(DCM_ReceivingApplicationEntityTitle, text).good());
    CHECK(text == "RECEIVER");
    CHECK(file.getMetaInfo()->findAndGetOFString(DCM_SourcePresentationAddress, text).good());
    CHECK(text == "192.0.2.7");
    CHECK(file.getDataset()->findAndGetOFString(DCM_Modality, text).good());
    CHECK(text == "MR");
}

TEST_CASE("A file that is cut off anywhere, or damaged in its data set, is not whole", "[dicom][meta]") {
    test::TemporaryFolder folder;
    const std::string whole = file_with("the whole data set");
    test::write_file(folder / "whole.dcm", whole);
    CHECK(is_whole(folder / "whole.dcm").value());
    for (std::size_t length = 0; length < whole.size(); ++length) {
        CAPTURE(length);
        test::write_file(folder / "torn.dcm", whole.substr(0, length));
        CHECK_FALSE(is_whole(folder / "torn.dcm").value());
    }
    // What a power cut leaves where the length was written but not the data.
    std::string zeros = whole;
    zeros.replace(zeros.size() - 10, 10, 10, '\0');
    test::write_file(folder / "torn.dcm", zeros);
    CHECK_FALSE(is_whole(folder / "torn.dcm").value());
}

TEST_CASE("A file of somebody else has no checksum and counts as whole", "[dicom][meta]") {
    test::require_dicom();
    test::TemporaryFolder folder;
    test::write_dicom(folder / "other.dcm", [](DcmFileFormat&) {});
    CHECK(is_whole(folder / "other.dcm").value());
    const auto meta = read_file_meta(folder / "other.dcm");
    REQUIRE(meta.ok());
    CHECK_FALSE(meta->checksum.has_value());
    CHECK(meta->sop_instance_uid == test::instance_uid);
}

TEST_CASE("Whatever bytes are given as file meta information, reading them ends with an answer", "[dicom][meta]") {
    std::string file = file_with("data set");
    unsigned seed = 1;
    for (int round = 0; round < 20'000; ++round) {
        std::string damaged = file;
        for (int i = 0; i < 3; ++i) {
            seed = seed * 1664525U + 1013904223U;
            damaged[132 + (seed >> 8) % (damaged.size() - 132)] = static_cast<char>(seed >> 24);
        }
        const auto meta = parse_file_meta(std::as_bytes(std::span(damaged)));
        if (meta) CHECK(meta->data_set_offset <= damaged.size());
    }
}

TEST_CASE("Values of odd length are padded to even length", "[dicom][meta]") {
    InstanceIdentity odd = identity;
    odd.sop_instance_uid = "1.2.34";
    const std::string encoded = encode_file_meta(odd, Peer{"ODD", "EVEN", "::1"}).bytes;
    const auto meta = parse_file_meta(std::as_bytes(std::span(encoded)));
    REQUIRE(meta.ok());
    CHECK(meta->sop_instance_uid == "1.2.34");
    CHECK(meta->peer.calling_ae == "ODD");
    CHECK(meta->peer.address == "::1");
    CHECK(meta->data_set_offset % 2 == 0);
}
