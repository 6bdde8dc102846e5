#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/core/tags.hpp"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver::dicom {

struct TagReadOptions {
    /// Keywords or `gggg,eeee` beyond the standard ones; a name that nobody knows gives "".
    std::vector<std::string> additional_tags;
    /// Called with the name of each tag whose text does not fit the declared character set and was guessed.
    std::function<void(const std::string& tag)> on_guessed_text;
};

/// A longer value counts as empty: rules compare words, and a bulk value would only fill the memory.
inline constexpr std::size_t tag_value_bytes_max = 1 << 20;

/// Where an instance came from, as rules see it. Received files carry it in their file meta information:
/// (0002,0026) SourcePresentationAddress, (0002,0017) SendingApplicationEntityTitle, (0002,0018)
/// ReceivingApplicationEntityTitle.
struct Provenance {
    std::string sender_address;
    std::string sender_aet;
    std::string receiver_aet;
};

/// The tags of a DICOM file as rules and the `.tags` file have them (contract §2). Valid UTF-8 whatever the file says
/// about its character set. Reads up to the last tag of interest, never the pixel data.
/// Errors: not_found, io, invalid when it is not a DICOM file. Any thread; blocks.
Result<Tags> read_tags(const std::filesystem::path& file, const TagReadOptions& options = {});
/// The same with the sender and receiver given, for instances that did not come through an association.
Result<Tags> read_tags(const std::filesystem::path& file, const TagReadOptions& options, const Provenance& provenance);

/// The keys that every result of `read_tags` has, in their order, repeated ones repeated, without additional tags.
std::vector<std::string> standard_tag_names();

/// Whether `name` is a keyword of the data dictionary, or a group and element: `gggg,eeee` or `(gggg,eeee)`.
bool is_known_tag(std::string_view name);
/// Whether `read_element` understands the path.
bool is_known_path(std::string_view path);

/// The value of one data element, nothing when the file cannot be read or has no such element, "" when it is empty.
/// A path of keywords or `gggg,eeee`, with items counted from 0: `PatientName`, `0018,0080`,
/// `RequestAttributesSequence[0].ScheduledProcedureStepID`, `(0019,100c,"SIEMENS MR HEADER")` for private elements.
/// Any thread; blocks.
std::optional<std::string> read_element(const std::filesystem::path& file, std::string_view path);

}  // namespace quicksilver::dicom
