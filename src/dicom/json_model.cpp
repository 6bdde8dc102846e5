#include "quicksilver/dicom/json_model.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcfilefo.h>
#include <dcmtk/dcmdata/dcjson.h>
#include <dcmtk/dcmdata/dcmetinf.h>
#include <dcmtk/dcmdata/dcsequen.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <sstream>
#include <system_error>

namespace quicksilver::dicom {

using nlohmann::json;

namespace {

/// `00100010`
std::string key_of(const DcmTagKey& tag) {
    return fmt::format("{:04X}{:04X}", tag.getGroup(), tag.getElement());
}

std::string vr_of(DcmElement& element) {
    return DcmVR(element.getVR()).getValidVRName();
}

json element_json(DcmElement& element);

json item_json(DcmItem& item) {
    json object = json::object();
    for (unsigned long n = 0; n < item.card(); ++n) {
        DcmElement* element = item.getElement(n);
        // Group lengths are no part of the model, and pixel data stays where it is.
        if (!element || element->getETag() == 0) continue;
        object[key_of(element->getTag())] = element_json(*element);
    }
    return object;
}

/// What DCMTK writes for one element, which knows numbers, names of persons, tags and bulk values.
json written_by_toolkit(DcmElement& element) {
    std::ostringstream text;
    DcmJsonFormatCompact format(OFFalse);
    if (element.writeJson(text, format).bad()) return json();
    const json whole = json::parse("{" + text.str() + "}", nullptr, false);
    return whole.is_object() && !whole.empty() ? whole.begin().value() : json();
}

json element_json(DcmElement& element) {
    json object = {{"vr", vr_of(element)}};
    if (auto* sequence = dynamic_cast<DcmSequenceOfItems*>(&element); sequence && element.ident() == EVR_SQ) {
        json items = json::array();
        for (unsigned long n = 0; n < sequence->card(); ++n) items.push_back(item_json(*sequence->getItem(n)));
        if (!items.empty()) object["Value"] = std::move(items);
        return object;
    }
    if (element.getTag() == DCM_PixelData || element.getLength() > json_value_bytes_max) return object;
    json written = written_by_toolkit(element);
    return written.is_object() ? written : object;
}

}  // namespace

Result<json> read_json(const std::filesystem::path& file) {
    std::error_code error;
    if (!std::filesystem::exists(file, error)) {
        return Error{Errc::not_found, fmt::format("{} is not there", file.string())};
    }
    DcmFileFormat format;
    const OFCondition loaded = format.loadFileUntilTag(file.c_str(), EXS_Unknown, EGL_noChange, json_value_bytes_max,
                                                       ERM_autoDetect, DCM_PixelData);
    if (loaded.bad()) {
        return Error{Errc::invalid, fmt::format("{} cannot be read as DICOM: {}", file.string(), loaded.text())};
    }
    DcmDataset& data_set = *format.getDataset();
    // Where that cannot be done, what is no UTF-8 is replaced when it is written out.
    data_set.convertToUTF8();
    return item_json(data_set);
}

}  // namespace quicksilver::dicom
