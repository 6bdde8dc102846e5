#include "dicom/dicom_environment.hpp"

#include "quicksilver/dicom/startup.hpp"

#include "support/catch.hpp"

namespace quicksilver::test {

void require_dicom() {
    static const Result<std::unique_ptr<dicom::Startup>> startup = dicom::Startup::begin(silent_log());
    if (!startup) FAIL(startup.error().message);
}

Log silent_log() {
    return Log(make_silent_log(), "test");
}

}  // namespace quicksilver::test
