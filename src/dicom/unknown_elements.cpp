#include "unknown_elements.hpp"

#include "item_elements.hpp"

#include <dcmtk/dcmdata/dcelem.h>
#include <dcmtk/dcmdata/dctag.h>

#include <cstring>
#include <memory>
#include <vector>

namespace quicksilver::dicom {

namespace {

bool is_unknown(DcmEVR vr) {
    return vr == EVR_UN || vr == EVR_UNKNOWN || vr == EVR_UNKNOWN2B;
}

template <class Number>
std::vector<Number> numbers_of(const std::vector<Uint8>& bytes) {
    std::vector<Number> numbers(bytes.size() / sizeof(Number));
    if (!numbers.empty()) std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(Number));
    return numbers;
}

OFCondition fill(DcmElement& element, const std::vector<Uint8>& bytes) {
    const auto count = [](const auto& numbers) { return static_cast<unsigned long>(numbers.size()); };
    switch (element.ident()) {
        case EVR_US: {
            const auto numbers = numbers_of<Uint16>(bytes);
            return element.putUint16Array(numbers.data(), count(numbers));
        }
        case EVR_SS: {
            const auto numbers = numbers_of<Sint16>(bytes);
            return element.putSint16Array(numbers.data(), count(numbers));
        }
        case EVR_UL: {
            const auto numbers = numbers_of<Uint32>(bytes);
            return element.putUint32Array(numbers.data(), count(numbers));
        }
        case EVR_SL: {
            const auto numbers = numbers_of<Sint32>(bytes);
            return element.putSint32Array(numbers.data(), count(numbers));
        }
        case EVR_FL: {
            const auto numbers = numbers_of<Float32>(bytes);
            return element.putFloat32Array(numbers.data(), count(numbers));
        }
        case EVR_FD: {
            const auto numbers = numbers_of<Float64>(bytes);
            return element.putFloat64Array(numbers.data(), count(numbers));
        }
        case EVR_AE:
        case EVR_AS:
        case EVR_CS:
        case EVR_DA:
        case EVR_DS:
        case EVR_DT:
        case EVR_IS:
        case EVR_LO:
        case EVR_LT:
        case EVR_PN:
        case EVR_SH:
        case EVR_ST:
        case EVR_TM:
        case EVR_UC:
        case EVR_UI:
        case EVR_UR:
        case EVR_UT: {
            const std::string text(bytes.begin(), bytes.end());
            return element.putString(text.c_str(), static_cast<Uint32>(text.size()));
        }
        default:
            return EC_IllegalCall;
    }
}

/// Null when it stays as it is.
std::unique_ptr<DcmElement> restored(DcmElement& element) {
    const DcmTag tag(static_cast<const DcmTagKey&>(element.getTag()));
    if (tag.isPrivate() || is_unknown(tag.getEVR()) || tag.getEVR() == EVR_SQ) return nullptr;
    std::vector<Uint8> bytes(element.getLength());
    Uint8* given = nullptr;
    if (!bytes.empty()) {
        if (element.getUint8Array(given).bad() || given == nullptr) return nullptr;
        bytes.assign(given, given + element.getLength());
    }
    DcmElement* made = nullptr;
    if (DcmItem::newDicomElementWithVR(made, tag).bad() || made == nullptr) return nullptr;
    std::unique_ptr<DcmElement> result(made);
    return fill(*result, bytes).good() ? std::move(result) : nullptr;
}

}  // namespace

void restore_unknown_elements(DcmItem& item) {
    for (DcmElement* element : elements_of(item)) {
        for (DcmItem* inner : items_of(*element)) restore_unknown_elements(*inner);
        if (!is_unknown(element->ident())) continue;
        auto known = restored(*element);
        if (known && item.insert(known.get(), OFTrue).good()) (void)known.release();
    }
}

}  // namespace quicksilver::dicom
