#include "quicksilver/dicom/uids.hpp"

#include "dicom/dicom_environment.hpp"
#include "support/catch.hpp"

#include <algorithm>

using namespace quicksilver;

TEST_CASE("A made UID depends on its seed only and is valid", "[dicom][uids]") {
    CHECK(dicom::make_uid("a") == dicom::make_uid("a"));
    CHECK(dicom::make_uid("a") != dicom::make_uid("b"));
    for (const char* seed : {"", "a", "b", "c", "d"}) {
        const std::string uid = dicom::make_uid(seed);
        CHECK(uid.starts_with("2.25."));
        CHECK(uid.size() <= 64);
        CHECK(uid[5] != '0');
        CHECK(std::all_of(uid.begin() + 5, uid.end(), [](char c) { return c >= '0' && c <= '9'; }));
    }
}

TEST_CASE("Transfer syntaxes and SOP classes have names, other UIDs are their own", "[dicom][uids]") {
    CHECK(dicom::uid_name("1.2.840.10008.1.2.1") == "LittleEndianExplicit");
    CHECK(dicom::uid_name("1.2.840.10008.5.1.4.1.1.4") == "MRImageStorage");
    CHECK(dicom::uid_name("2.25.42") == "2.25.42");
    CHECK(dicom::uid_name("") == "");
}
