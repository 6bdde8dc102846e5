#include "dicom/element_path.hpp"

#include "dicom/dicom_environment.hpp"
#include "support/catch.hpp"

#include <dcmtk/dcmdata/dcdicent.h>
#include <dcmtk/dcmdata/dcdict.h>

#include <string>
#include <vector>

using namespace quicksilver;

namespace {

std::vector<std::string> all_names() {
    auto& entries = const_cast<DcmDataDictionary&>(dcmDataDict.rdlock());
    std::vector<std::string> names;
    const DcmHashDictIterator end = entries.normalEnd();
    for (DcmHashDictIterator place = entries.normalBegin(); place != end; ++place) {
        names.emplace_back((*place)->getTagName());
    }
    dcmDataDict.rdunlock();
    return names;
}

DcmTagKey key_in_dictionary(const std::string& name) {
    const DcmDictEntry* entry = dcmDataDict.rdlock().findEntry(name.c_str());
    const DcmTagKey key = entry != nullptr ? entry->getKey() : DCM_UndefinedTagKey;
    dcmDataDict.rdunlock();
    return key;
}

}  // namespace

TEST_CASE("A keyword is the tag that the data dictionary has under it", "[dicom][element_path]") {
    const auto names = all_names();
    REQUIRE(names.size() > 3000);
    std::size_t wrong = 0;
    for (std::size_t at = 0; at < names.size(); at += 7) {
        if (dicom::parse_tag_key(names[at]) != key_in_dictionary(names[at])) ++wrong;
    }
    CHECK(wrong == 0);
    CHECK(dicom::parse_tag_key("OverlayRows") == key_in_dictionary("OverlayRows"));
    CHECK_FALSE(dicom::parse_tag_key("PatientNmae"));
    CHECK_FALSE(dicom::parse_tag_key(""));
}

TEST_CASE("A retired attribute has its keyword with and without DCMTK's prefix", "[dicom][element_path]") {
    const auto key = key_in_dictionary("RETIRED_OtherPatientIDs");
    REQUIRE(key != DCM_UndefinedTagKey);
    CHECK(dicom::parse_tag_key("OtherPatientIDs") == key);
    CHECK(dicom::parse_tag_key("RETIRED_OtherPatientIDs") == key);
}
