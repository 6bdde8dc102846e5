#include "quicksilver/dicom/storage_commitment.hpp"

#include "dicom_environment.hpp"
#include "support/catch.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcostrmb.h>
#include <dcmtk/dcmdata/dcuid.h>
#include <dcmtk/dcmdata/dcwcache.h>

#include <vector>

using namespace quicksilver;
using namespace quicksilver::dicom;

namespace {

std::string encode(DcmDataset& data_set, E_TransferSyntax syntax) {
    std::vector<char> bytes(64 * 1024);
    DcmOutputBufferStream stream(bytes.data(), static_cast<offile_off_t>(bytes.size()));
    DcmWriteCache cache;
    data_set.transferInit();
    REQUIRE(data_set.write(stream, syntax, EET_UndefinedLength, &cache).good());
    data_set.transferEnd();
    void* start = nullptr;
    offile_off_t length = 0;
    stream.flushBuffer(start, length);
    return std::string(static_cast<char*>(start), static_cast<std::size_t>(length));
}

void add(DcmDataset& data_set, const DcmTagKey& sequence, const char* uid, int reason = -1) {
    DcmItem* item = nullptr;
    REQUIRE(data_set.findOrCreateSequenceItem(sequence, item, -2).good());
    item->putAndInsertString(DCM_ReferencedSOPClassUID, UID_CTImageStorage);
    item->putAndInsertString(DCM_ReferencedSOPInstanceUID, uid);
    if (reason >= 0) item->putAndInsertUint16(DCM_FailureReason, static_cast<Uint16>(reason));
}

}  // namespace

TEST_CASE("A commitment report names what is kept and what is not, in either transfer syntax", "[dicom][commitment]") {
    test::require_dicom();
    DcmDataset data_set;
    data_set.putAndInsertString(DCM_TransactionUID, "1.2.3");
    add(data_set, DCM_ReferencedSOPSequence, "1.2.3.1");
    add(data_set, DCM_ReferencedSOPSequence, "1.2.3.2");
    add(data_set, DCM_FailedSOPSequence, "1.2.3.4", 0x0112);
    for (const auto syntax : {EXS_LittleEndianExplicit, EXS_LittleEndianImplicit}) {
        const auto report = read_commitment_report(encode(data_set, syntax), DcmXfer(syntax).getXferID());
        REQUIRE(report.ok());
        CHECK(report->transaction_uid == "1.2.3");
        CHECK(report->committed == std::vector<std::string>({"1.2.3.1", "1.2.3.2"}));
        REQUIRE(report->failed.size() == 1);
        CHECK(report->failed[0].sop_instance_uid == "1.2.3.4");
        CHECK(commitment_failure_text(report->failed[0].reason) == "no such instance there");
    }
}

TEST_CASE("A report without a transaction, or that is cut off, is refused with a reason", "[dicom][commitment]") {
    test::require_dicom();
    DcmDataset data_set;
    add(data_set, DCM_ReferencedSOPSequence, "1.2.3.1");
    const std::string bytes = encode(data_set, EXS_LittleEndianExplicit);
    const auto without = read_commitment_report(bytes, UID_LittleEndianExplicitTransferSyntax);
    REQUIRE_FALSE(without.ok());
    CHECK(without.error().message.find("TransactionUID") != std::string::npos);
    CHECK_FALSE(read_commitment_report("", UID_LittleEndianExplicitTransferSyntax).ok());
    CHECK_FALSE(read_commitment_report("\x08\x00", UID_LittleEndianExplicitTransferSyntax).ok());
}

TEST_CASE("A reason that the standard does not name is given as its number", "[dicom][commitment]") {
    CHECK(commitment_failure_text(0x0110) == "processing failure");
    CHECK(commitment_failure_text(0xABCD) == "reason 0xABCD");
}
