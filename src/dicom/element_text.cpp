#include "element_text.hpp"

#include "quicksilver/dicom/tag_reader.hpp"

#include <dcmtk/dcmdata/dcelem.h>

#include <algorithm>

namespace quicksilver::dicom {

namespace {

bool is_unknown(DcmEVR vr) {
    return vr == EVR_UN || vr == EVR_UNKNOWN || vr == EVR_UNKNOWN2B;
}

/// Private elements of implicit VR data sets come without their VR. Most are text, and rules are about text.
std::optional<std::string> printable_bytes(DcmElement& element) {
    Uint8* bytes = nullptr;
    if (element.getUint8Array(bytes).bad() || bytes == nullptr) return std::nullopt;
    std::string text(bytes, bytes + element.getLength());
    while (!text.empty() && (text.back() == '\0' || text.back() == ' ')) text.pop_back();
    const bool printable = std::none_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 && c != '\r' && c != '\n' && c != '\t' && c != '\f' && c != '\x1b';
    });
    return printable ? std::optional<std::string>(std::move(text)) : std::nullopt;
}

std::string bytes_of(DcmElement& element) {
    if (!element.isLeaf() || element.getLength() == 0 || element.getLength() > tag_value_bytes_max) return {};
    if (is_unknown(element.getVR())) {
        if (auto text = printable_bytes(element)) return *std::move(text);
    }
    OFString value;
    if (element.getOFStringArray(value).bad()) return {};
    return std::string(value.c_str(), value.size());
}

void make_one_line(std::string& text) {
    for (char& c : text) {
        if (c == '\r') c = ';';
        if (c == '\n') c = ' ';
        if (c == '"') c = '\'';
    }
    text.erase(std::remove(text.begin(), text.end(), '\0'), text.end());
}

DcmElement* find_element(DcmItem& item, const DcmTagKey& key) {
    DcmElement* element = nullptr;
    return item.findAndGetElement(key, element).good() ? element : nullptr;
}

}  // namespace

std::string_view text_delimiters(DcmEVR vr) {
    switch (vr) {
        case EVR_PN:
            return "\\^=";
        case EVR_ST:
        case EVR_LT:
        case EVR_UT:
            return "";
        default:
            return "\\";
    }
}

bool has_character_set(DcmEVR vr) {
    switch (vr) {
        case EVR_SH:
        case EVR_LO:
        case EVR_ST:
        case EVR_LT:
        case EVR_UC:
        case EVR_UT:
        case EVR_PN:
            return true;
        default:
            return false;
    }
}

TextDecoder::Text element_text(DcmItem& item, const DcmTagKey& key, const TextDecoder& decoder) {
    DcmElement* element = find_element(item, key);
    if (element == nullptr) return {};
    TextDecoder::Text text = decoder.decode(bytes_of(*element), text_delimiters(element->getVR()));
    make_one_line(text.utf8);
    return text;
}

std::string element_bytes(DcmItem& item, const DcmTagKey& key) {
    DcmElement* element = find_element(item, key);
    return element != nullptr ? bytes_of(*element) : std::string();
}

}  // namespace quicksilver::dicom
