#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace quicksilver::dicom {

/// The options of the Basic Application Level Confidentiality Profile (PS3.15 §E.3) that can be combined with it.
struct ConfidentialityOptions {
    bool retain_safe_private = false;
    bool retain_uids = false;
    bool retain_device_identity = false;
    bool retain_institution_identity = false;
    bool retain_patient_characteristics = false;
    bool retain_full_dates = false;      ///< Retain Longitudinal Temporal Information With Full Dates
    bool retain_modified_dates = false;  ///< … With Modified Dates: shifted
    bool clean_descriptors = false;
    bool clean_structured_content = false;
    bool clean_graphics = false;
};

/// What becomes of an attribute (PS3.15 table E.1-1a).
enum class Treatment {
    keep,    ///< K: as it is; a sequence's items are treated by the same table
    remove,  ///< X
    empty,   ///< Z: no value, or a pseudonym
    dummy,   ///< D: a value of the same kind that says nothing
    uid,     ///< U: another UID, the same one for the same
    clean,   ///< C: without what identifies
};

/// One row of PS3.15 table E.1-1.
struct ConfidentialityRow {
    std::uint32_t tag = 0;  ///< group and element; 50xx,xxxx and 60xx,eeee with zeros for the x
    std::string_view keyword;
    std::string_view basic;     ///< as the standard writes it: "X", "X/Z/D", "X/Z/U*" …
    std::uint32_t options = 0;  ///< bits of ConfidentialityOption
};

/// The columns of the table that say something else than the basic profile.
enum ConfidentialityOption : std::uint32_t {
    none = 0,
    safe_private_cleaned = 1,
    uids = 2,
    device = 4,
    device_cleaned = 8,
    institution = 16,
    patient = 32,
    patient_cleaned = 64,
    dates = 128,  ///< K with full dates, C with modified ones
    descriptors = 256,
    structure = 512,
    graphics = 1024,
};

/// All rows in the order of their tags, without the one for private attributes.
std::span<const ConfidentialityRow> confidentiality_rows();
/// The row of that tag, curves and overlays of every group too; null when the table does not name it.
const ConfidentialityRow* find_confidentiality_row(std::uint32_t tag);
/// What the profile with these options does with the attribute. Where the standard leaves the choice to the needs of
/// the object's definition ("X/Z/D"), the answer is the one that every definition allows: D, else Z.
Treatment treatment_of(const ConfidentialityRow& row, const ConfidentialityOptions& options);

/// Private attributes that the Retain Safe Private Option keeps (PS3.15 table E.3.10-1), of one creator and group.
struct SafePrivateBlock {
    std::string_view creator;
    std::uint16_t group = 0;
    std::span<const std::uint8_t> elements;  ///< without the block, in order
};
std::span<const SafePrivateBlock> safe_private_blocks();
bool is_safe_private(std::string_view creator, std::uint16_t group, std::uint8_t element);

/// docs/deidentification.md's table, as Markdown.
std::string confidentiality_table_text();

}  // namespace quicksilver::dicom
