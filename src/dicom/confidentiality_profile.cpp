#include "quicksilver/dicom/confidentiality_profile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace quicksilver::dicom {

namespace {

/// The tag under which the table has it: repeating groups stand there once.
std::uint32_t row_tag(std::uint32_t tag) {
    const std::uint32_t repeating = tag & 0xff010000;
    if (repeating == 0x50000000) return 0x50000000;
    if (repeating == 0x60000000) return 0x60000000 | (tag & 0xffff);
    return tag;
}

Treatment basic_treatment(std::string_view basic) {
    if (basic == "U") return Treatment::uid;
    // The sequence stays with its items, whose UIDs are replaced.
    if (basic.ends_with("U*")) return Treatment::keep;
    if (basic.ends_with('D')) return Treatment::dummy;
    return basic.ends_with('Z') ? Treatment::empty : Treatment::remove;
}

std::string tag_text(std::uint32_t tag) {
    if (tag == 0x50000000) return "(50xx,xxxx)";
    if (tag >> 16 == 0x6000) return fmt::format("(60xx,{:04X})", tag & 0xffff);
    return fmt::format("({:04X},{:04X})", tag >> 16, tag & 0xffff);
}

}  // namespace

const ConfidentialityRow* find_confidentiality_row(std::uint32_t tag) {
    const auto rows = confidentiality_rows();
    const std::uint32_t wanted = row_tag(tag);
    const auto found = std::lower_bound(rows.begin(), rows.end(), wanted,
                                        [](const ConfidentialityRow& row, std::uint32_t key) { return row.tag < key; });
    return found != rows.end() && found->tag == wanted ? &*found : nullptr;
}

Treatment treatment_of(const ConfidentialityRow& row, const ConfidentialityOptions& options) {
    const auto has = [&row](std::uint32_t option) { return (row.options & option) != 0; };
    if (has(dates) && options.retain_full_dates) return Treatment::keep;
    // Before those that retain: a date of a device, too, shall fit the others.
    if (has(dates) && options.retain_modified_dates) return Treatment::clean;
    if (has(uids) && options.retain_uids) return Treatment::keep;
    if (has(device) && options.retain_device_identity) return Treatment::keep;
    if (has(institution) && options.retain_institution_identity) return Treatment::keep;
    if (has(patient) && options.retain_patient_characteristics) return Treatment::keep;
    if (has(device_cleaned) && options.retain_device_identity) return Treatment::clean;
    if (has(patient_cleaned) && options.retain_patient_characteristics) return Treatment::clean;
    if (has(descriptors) && options.clean_descriptors) return Treatment::clean;
    if (has(structure) && options.clean_structured_content) return Treatment::clean;
    if (has(graphics) && options.clean_graphics) return Treatment::clean;
    return basic_treatment(row.basic);
}

bool is_safe_private(std::string_view creator, std::uint16_t group, std::uint8_t element) {
    return std::ranges::any_of(safe_private_blocks(), [&](const SafePrivateBlock& block) {
        return block.creator == creator && block.group == group && std::ranges::binary_search(block.elements, element);
    });
}

std::string confidentiality_table_text() {
    struct Column {
        std::uint32_t option;
        const char* text;
    };
    constexpr Column columns[] = {
        {uids, "UIDs: K"},
        {device, "device: K"},
        {device_cleaned, "device: C"},
        {institution, "institution: K"},
        {patient, "patient: K"},
        {patient_cleaned, "patient: C"},
        {dates, "full dates: K, modified dates: C"},
        {descriptors, "descriptors: C"},
        {structure, "structured content: C"},
        {graphics, "graphics: C"},
    };
    std::string text = "| Attribute | Tag | Basic profile | With options |\n|---|---|---|---|\n";
    for (const ConfidentialityRow& row : confidentiality_rows()) {
        std::string options;
        for (const Column& column : columns) {
            if ((row.options & column.option) == 0) continue;
            options += fmt::format("{}{}", options.empty() ? "" : "; ", column.text);
        }
        fmt::format_to(std::back_inserter(text), "| {} | {} | {} | {} |\n", row.keyword, tag_text(row.tag), row.basic,
                       options);
    }
    text += "| private attributes | (gggg,eeee), gggg odd | X | safe private: C |\n";
    return text;
}

}  // namespace quicksilver::dicom
