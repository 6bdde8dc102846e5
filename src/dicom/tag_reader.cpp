#include "quicksilver/dicom/tag_reader.hpp"

#include "element_path.hpp"
#include "element_text.hpp"
#include "loaded_file.hpp"
#include "text_decoder.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcfilefo.h>
#include <dcmtk/dcmdata/dcmetinf.h>
#include <dcmtk/dcmdata/dcsequen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <memory>

namespace quicksilver::dicom {

namespace {

struct NamedTag {
    std::string name;
    std::optional<DcmTagKey> key;  ///< nothing when nobody knows the name
};

/// The keys of mercure's `.tags` file after SenderAddress, SenderAET and ReceiverAET, in its order and with its
/// repetitions, which readers of the file may count on.
const std::vector<NamedTag>& main_tags() {
    static const std::vector<NamedTag> tags = [] {
        const auto keys = {DCM_Modality,
                           DCM_BodyPartExamined,
                           DCM_ProtocolName,
                           DCM_SpecificCharacterSet,
                           DCM_Modality,
                           DCM_BodyPartExamined,
                           DCM_ProtocolName,
                           DCM_RetrieveAETitle,
                           DCM_StationAETitle,
                           DCM_Manufacturer,
                           DCM_ManufacturerModelName,
                           DCM_StudyDescription,
                           DCM_CodeValue,
                           DCM_CodeMeaning,
                           DCM_SeriesDescription,
                           DCM_PatientName,
                           DCM_PatientID,
                           DCM_PatientBirthDate,
                           DCM_PatientSex,
                           DCM_AccessionNumber,
                           DCM_ReferringPhysicianName,
                           DCM_StudyID,
                           DCM_SeriesNumber,
                           DCM_StudyInstanceUID,
                           DCM_SeriesDate,
                           DCM_SeriesTime,
                           DCM_AcquisitionDate,
                           DCM_AcquisitionTime,
                           DCM_SequenceName,
                           DCM_ScanningSequence,
                           DCM_SequenceVariant,
                           DCM_MagneticFieldStrength,
                           DCM_StationName,
                           DCM_DeviceSerialNumber,
                           DCM_DeviceUID,
                           DCM_SoftwareVersions,
                           DCM_ContrastBolusAgent,
                           DCM_ImageComments,
                           DCM_SliceThickness,
                           DCM_InstanceNumber,
                           DCM_AcquisitionNumber,
                           DCM_InstitutionName,
                           DCM_AcquisitionType,
                           DCM_ImageType};
        std::vector<NamedTag> named;
        for (const DcmTagKey& key : keys) named.push_back({tag_name(key), key});
        return named;
    }();
    return tags;
}

std::vector<NamedTag> resolve(const std::vector<std::string>& names) {
    std::vector<NamedTag> tags;
    for (const std::string& name : names) {
        const auto key = parse_tag_key(name);
        tags.push_back({key ? tag_name(*key) : name, key});
    }
    return tags;
}

bool in_file_meta(const DcmTagKey& key) {
    return key.getGroup() == 0x0002;
}

/// The first tag that is of no interest when `last` is the last one that is.
DcmTagKey after(const DcmTagKey& last) {
    if (last.getElement() < 0xffff) return DcmTagKey(last.getGroup(), static_cast<Uint16>(last.getElement() + 1));
    if (last.getGroup() < 0xffff) return DcmTagKey(static_cast<Uint16>(last.getGroup() + 1), 0);
    return DCM_UndefinedTagKey;
}

DcmTagKey end_of_interest(const std::vector<NamedTag>& additional) {
    DcmTagKey last = DCM_SeriesInstanceUID;
    for (const auto* tags : {&main_tags(), &additional}) {
        for (const NamedTag& tag : *tags) {
            if (tag.key && !in_file_meta(*tag.key)) last = std::max(last, *tag.key);
        }
    }
    return after(last);
}

Error cannot_read(const std::filesystem::path& file, Errc code, std::string_view reason) {
    return Error{code, fmt::format("{} cannot be read: {}", file.string(), reason)};
}

Result<void> require_readable(const std::filesystem::path& file) {
    std::error_code error;
    const auto status = std::filesystem::status(file, error);
    if (status.type() == std::filesystem::file_type::not_found) {
        return cannot_read(file, Errc::not_found, "no such file");
    }
    if (error) return cannot_read(file, Errc::io, error.message());
    if (status.type() != std::filesystem::file_type::regular) return cannot_read(file, Errc::io, "not a regular file");
    errno = 0;
    if (!std::ifstream(file)) return cannot_read(file, Errc::io, std::generic_category().message(errno));
    return {};
}

/// Reads tags of one loaded file into `Tags`.
class Reading {
public:
    Reading(DcmFileFormat& content, const TagReadOptions& options)
        : dataset_(*content.getDataset()),
          meta_(*content.getMetaInfo()),
          options_(options),
          decoder_(element_bytes(dataset_, DCM_SpecificCharacterSet)) {}

    std::string value(const DcmTagKey& key) { return text(key).utf8; }

    std::string value(const NamedTag& tag) {
        if (!tag.key) return {};
        TextDecoder::Text read = text(*tag.key);
        if (read.guessed && options_.on_guessed_text) options_.on_guessed_text(tag.name);
        return std::move(read.utf8);
    }

    Provenance provenance() {
        const std::string sender = value(DCM_SendingApplicationEntityTitle);
        return {value(DCM_SourcePresentationAddress), sender.empty() ? value(DCM_SourceApplicationEntityTitle) : sender,
                value(DCM_ReceivingApplicationEntityTitle)};
    }

private:
    TextDecoder::Text text(const DcmTagKey& key) {
        DcmItem& item = in_file_meta(key) ? static_cast<DcmItem&>(meta_) : dataset_;
        return element_text(item, key, decoder_);
    }

    DcmDataset& dataset_;
    DcmMetaInfo& meta_;
    const TagReadOptions& options_;
    TextDecoder decoder_;
};

/// mercure's name of the received file. Ours is `<SeriesInstanceUID>#<that name>.dcm`; any other file is its own name.
std::string received_name(const std::filesystem::path& file, const std::string& series_uid) {
    const std::string prefix = series_uid + '#';
    const std::string stem = file.stem().string();
    if (!series_uid.empty() && file.extension() == ".dcm" && stem.starts_with(prefix)) {
        return stem.substr(prefix.size());
    }
    return file.filename().string();
}

Result<Tags> read(const std::filesystem::path& file, const TagReadOptions& options, const Provenance* known) {
    const auto content = load_file(file, end_of_interest(resolve(options.additional_tags)));
    if (!content) return content.error();
    return tags_of(**content, file, options, known);
}

/// The last tag of the data set that is needed to follow `step`.
DcmTagKey end_of_interest(const ElementStep& step) {
    if (step.private_creator.empty()) return after(step.key);
    return after(DcmTagKey(step.key.getGroup(), 0xffff));
}

}  // namespace

Result<std::unique_ptr<DcmFileFormat>> load_file(const std::filesystem::path& file, const DcmTagKey& end) {
    constexpr Uint32 eager_value_bytes = 4096;
    if (Result<void> readable = require_readable(file); !readable) return std::move(readable).error();
    auto content = std::make_unique<DcmFileFormat>();
    const OFCondition loaded =
        content->loadFileUntilTag(file.c_str(), EXS_Unknown, EGL_noChange, eager_value_bytes, ERM_autoDetect, end);
    if (loaded.bad()) return cannot_read(file, Errc::invalid, fmt::format("damaged, or not DICOM: {}", loaded.text()));
    // Without file meta information DCMTK takes any bytes for a data set.
    const bool has_meta = content->getMetaInfo()->card() > 0;
    if (!has_meta && !content->getDataset()->tagExistsWithValue(DCM_SOPInstanceUID)) {
        return cannot_read(file, Errc::invalid, "not a DICOM file: neither file meta information nor a SOPInstanceUID");
    }
    return content;
}

std::optional<DcmTagKey> locate_element(DcmItem& item, const ElementStep& step) {
    if (step.private_creator.empty()) return step.key;
    for (unsigned block = 0x10; block <= 0xff; ++block) {
        const DcmTagKey reservation(step.key.getGroup(), static_cast<Uint16>(block));
        if (element_bytes(item, reservation) == step.private_creator) {
            return DcmTagKey(step.key.getGroup(), static_cast<Uint16>((block << 8) | (step.key.getElement() & 0xff)));
        }
    }
    return std::nullopt;
}

Tags tags_of(DcmFileFormat& content, const std::filesystem::path& file, const TagReadOptions& options,
             const Provenance* known) {
    const std::vector<NamedTag> additional = resolve(options.additional_tags);
    Reading reading(content, options);
    const Provenance provenance = known != nullptr ? *known : reading.provenance();
    const std::string series_uid = reading.value(DCM_SeriesInstanceUID);
    Tags tags;
    tags.add("SpecificCharacterSet", reading.value(DCM_SpecificCharacterSet));
    tags.add("SeriesInstanceUID", series_uid);
    tags.add("SOPInstanceUID", reading.value(DCM_SOPInstanceUID));
    tags.add("SenderAddress", provenance.sender_address);
    tags.add("SenderAET", provenance.sender_aet);
    tags.add("ReceiverAET", provenance.receiver_aet);
    for (const NamedTag& tag : main_tags()) tags.add(tag.name, reading.value(tag));
    tags.add("MediaStorageSOPClassUID", reading.value(DCM_MediaStorageSOPClassUID));
    for (const NamedTag& tag : additional) tags.add(tag.name, reading.value(tag));
    tags.add("Filename", received_name(file, series_uid));
    return tags;
}

Result<Tags> read_tags(const std::filesystem::path& file, const TagReadOptions& options) {
    return read(file, options, nullptr);
}

Result<Tags> read_tags(const std::filesystem::path& file, const TagReadOptions& options, const Provenance& provenance) {
    return read(file, options, &provenance);
}

std::vector<std::string> standard_tag_names() {
    std::vector<std::string> names = {"SpecificCharacterSet", "SeriesInstanceUID", "SOPInstanceUID",
                                      "SenderAddress",        "SenderAET",         "ReceiverAET"};
    for (const NamedTag& tag : main_tags()) names.push_back(tag.name);
    names.emplace_back("MediaStorageSOPClassUID");
    names.emplace_back("Filename");
    return names;
}

bool is_known_tag(std::string_view name) {
    return parse_tag_key(name).has_value();
}

bool is_known_path(std::string_view path) {
    return parse_element_path(path).ok();
}

std::optional<std::string> read_element(const std::filesystem::path& file, std::string_view path) {
    const auto steps = parse_element_path(path);
    if (!steps) return std::nullopt;
    const auto content = load_file(file, end_of_interest(steps->front()));
    return content ? element_of(**content, path) : std::nullopt;
}

std::optional<std::string> element_of(DcmFileFormat& content, std::string_view path) {
    const auto steps = parse_element_path(path);
    if (!steps) return std::nullopt;
    DcmDataset& dataset = *content.getDataset();
    DcmItem* item = in_file_meta(steps->front().key) ? static_cast<DcmItem*>(content.getMetaInfo()) : &dataset;
    std::string character_set = element_bytes(dataset, DCM_SpecificCharacterSet);
    for (std::size_t i = 0; i < steps->size(); ++i) {
        const ElementStep& step = (*steps)[i];
        const auto key = locate_element(*item, step);
        if (!key || !item->tagExists(*key)) return std::nullopt;
        if (i + 1 == steps->size()) return element_text(*item, *key, TextDecoder(character_set)).utf8;

        DcmSequenceOfItems* sequence = nullptr;
        if (item->findAndGetSequence(*key, sequence).bad() || sequence == nullptr) return std::nullopt;
        if (step.item >= sequence->card()) return std::nullopt;
        item = sequence->getItem(step.item);
        // An item inherits the character set unless it has its own (PS3.3 §C.12.1.1.2).
        if (std::string own = element_bytes(*item, DCM_SpecificCharacterSet); !own.empty()) character_set = own;
    }
    return std::nullopt;
}

}  // namespace quicksilver::dicom
