#include "quicksilver/dicom/startup.hpp"

#include "dicom/dicom_environment.hpp"
#include "support/catch.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dccodec.h>
#include <dcmtk/dcmdata/dcdict.h>
#include <dcmtk/dcmdata/dcxfer.h>
#include <dcmtk/dcmnet/dcmtrans.h>
#include <dcmtk/dcmnet/dul.h>

#include <cstdlib>

using namespace quicksilver;

namespace {

/// Lets DCMTK see another data dictionary, and the usual one again at the end.
class OtherDictionary {
public:
    explicit OtherDictionary(const char* path) {
        ::setenv("DCMDICTPATH", path, 1);
        reload();
    }
    ~OtherDictionary() {
        ::unsetenv("DCMDICTPATH");
        reload();
    }
    OtherDictionary(const OtherDictionary&) = delete;
    OtherDictionary& operator=(const OtherDictionary&) = delete;

private:
    static void reload() {
        dcmDataDict.wrlock().reloadDictionaries(OFFalse, OFTrue);
        dcmDataDict.wrunlock();
    }
};

}  // namespace

TEST_CASE("After the startup, sockets send at once and no peer is waited for without end", "[dicom][startup]") {
    test::require_dicom();
    REQUIRE(std::getenv("TCP_NODELAY") != nullptr);
    CHECK(std::getenv("TCP_NODELAY") == std::string("1"));
    CHECK(dcmConnectionTimeout.get() == 10);
    CHECK(dcmSocketSendTimeout.get() == 60);
    CHECK(dcmSocketReceiveTimeout.get() == 60);
}

TEST_CASE("After the startup, RLE, JPEG and JPEG-LS images can be decoded", "[dicom][startup]") {
    test::require_dicom();
    const E_TransferSyntax syntax =
        GENERATE(EXS_RLELossless, EXS_JPEGProcess1, EXS_JPEGProcess14SV1, EXS_JPEGLSLossless, EXS_JPEGLSLossy);
    CHECK(DcmCodecList::canChangeCoding(syntax, EXS_LittleEndianExplicit));
}

TEST_CASE("A missing data dictionary stops the startup and names the file and the remedy", "[dicom][startup]") {
    test::require_dicom();
    const OtherDictionary missing("/nonexistent/dicom.dic");
    const auto startup = dicom::Startup::begin(test::silent_log());
    REQUIRE_FALSE(startup.ok());
    CHECK(startup.error().code == Errc::not_found);
    CHECK(startup.error().message.find("/nonexistent/dicom.dic") != std::string::npos);
    CHECK(startup.error().message.find("dicom.dic or a copy") != std::string::npos);
}
