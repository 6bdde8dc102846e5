#include "identity_scan.hpp"

#include <cstdint>
#include <string_view>

namespace quicksilver::dicom {

namespace {

constexpr std::string_view implicit_little_endian = "1.2.840.10008.1.2";
constexpr std::string_view explicit_big_endian = "1.2.840.10008.1.2.2";
constexpr std::string_view deflated = "1.2.840.10008.1.2.1.99";
constexpr std::string_view deflated_reference = "1.2.840.10008.1.2.4.95";  // JPIP, deflated
constexpr std::uint32_t undefined_length = 0xffffffff;
constexpr int deepest_sequence = 16;

constexpr std::uint32_t item = 0xfffee000;
constexpr std::uint32_t item_end = 0xfffee00d;
constexpr std::uint32_t sequence_end = 0xfffee0dd;

struct Element {
    std::uint32_t tag = 0;
    std::string_view vr;  // empty when implicit
    std::uint32_t length = 0;
};

bool has_long_length(std::string_view vr) {
    for (const std::string_view known :
         {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}) {
        if (vr == known) return true;
    }
    return false;
}

class Scan {
public:
    Scan(std::string_view bytes, bool is_explicit) : bytes_(bytes), explicit_(is_explicit) {}

    std::optional<Element> next() {
        if (left() < 8) return std::nullopt;
        Element element;
        element.tag = number(at_, 2) << 16 | number(at_ + 2, 2);
        const bool delimits = element.tag >> 16 == 0xfffe;
        if (!explicit_ || delimits) {
            element.length = number(at_ + 4, 4);
            at_ += 8;
            return element;
        }
        element.vr = bytes_.substr(at_ + 4, 2);
        for (const char c : element.vr) {
            if (c < 'A' || c > 'Z') return std::nullopt;
        }
        if (!has_long_length(element.vr)) {
            element.length = number(at_ + 6, 2);
            at_ += 8;
            return element;
        }
        if (left() < 12) return std::nullopt;
        element.length = number(at_ + 8, 4);
        at_ += 12;
        return element;
    }

    std::optional<std::string_view> value(const Element& element) {
        if (element.length > left()) return std::nullopt;
        const std::string_view value = bytes_.substr(at_, element.length);
        at_ += element.length;
        return value;
    }

    bool skip(const Element& element, int depth) {
        if (element.length != undefined_length) return value(element).has_value();
        // The items of a UN of undefined length are implicit (PS3.5 §6.2.2, note), and pixel data come later.
        const bool is_sequence = !explicit_ || element.vr == "SQ";
        return is_sequence && depth < deepest_sequence && skip_items(depth);
    }

private:
    bool skip_items(int depth) {
        for (;;) {
            const auto part = next();
            if (!part) return false;
            if (part->tag == sequence_end) return true;
            if (part->tag != item) return false;
            if (part->length != undefined_length) {
                if (!value(*part)) return false;
            } else if (!skip_to_item_end(depth)) {
                return false;
            }
        }
    }

    bool skip_to_item_end(int depth) {
        for (;;) {
            const auto element = next();
            if (!element) return false;
            if (element->tag == item_end) return true;
            if (!skip(*element, depth + 1)) return false;
        }
    }

    std::size_t left() const { return bytes_.size() - at_; }
    std::uint32_t number(std::size_t at, std::size_t width) const {
        std::uint32_t value = 0;
        for (std::size_t i = width; i > 0; --i) value = value << 8 | static_cast<unsigned char>(bytes_[at + i - 1]);
        return value;
    }

    std::string_view bytes_;
    bool explicit_;
    std::size_t at_ = 0;
};

/// False for anything but one padded UID: whatever a parser makes of it counts then.
bool take_uid(std::string& uid, std::string_view value) {
    const std::size_t padding = value.find_last_not_of(std::string_view("\0 ", 2));
    uid = value.substr(0, padding == std::string_view::npos ? 0 : padding + 1);
    return uid.find_first_not_of("0123456789.") == std::string::npos;
}

std::string* wanted(InstanceIdentity& identity, std::uint32_t tag) {
    switch (tag) {
        case 0x00080016:
            return &identity.sop_class_uid;
        case 0x00080018:
            return &identity.sop_instance_uid;
        case 0x0020000d:
            return &identity.study_instance_uid;
        case 0x0020000e:
            return &identity.series_instance_uid;
        default:
            return nullptr;
    }
}

}  // namespace

std::optional<InstanceIdentity> scan_identity(std::span<const std::byte> head, const std::string& transfer_syntax_uid) {
    for (const std::string_view other : {explicit_big_endian, deflated, deflated_reference}) {
        if (transfer_syntax_uid == other) return std::nullopt;
    }
    constexpr std::uint32_t series_instance_uid = 0x0020000e;
    const std::string_view bytes(reinterpret_cast<const char*>(head.data()), head.size());
    Scan scan(bytes, transfer_syntax_uid != implicit_little_endian);
    InstanceIdentity identity;
    identity.transfer_syntax_uid = transfer_syntax_uid;
    std::uint32_t last_tag = 0;
    while (last_tag < series_instance_uid) {
        const auto element = scan.next();
        if (!element || element->tag <= last_tag) return std::nullopt;
        last_tag = element->tag;
        if (std::string* uid = wanted(identity, element->tag)) {
            const auto value = scan.value(*element);
            if (!value || !take_uid(*uid, *value)) return std::nullopt;
        } else if (!scan.skip(*element, 0)) {
            return std::nullopt;
        }
    }
    if (identity.sop_instance_uid.empty() || identity.series_instance_uid.empty()) return std::nullopt;
    return identity;
}

}  // namespace quicksilver::dicom
