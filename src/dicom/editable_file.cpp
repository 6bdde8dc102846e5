#include "quicksilver/dicom/editable_file.hpp"

#include "editable_content.hpp"
#include "element_path.hpp"
#include "element_text.hpp"
#include "file_writer.hpp"
#include "item_elements.hpp"
#include "loaded_file.hpp"
#include "text_decoder.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcmetinf.h>
#include <dcmtk/dcmdata/dcsequen.h>
#include <dcmtk/dcmdata/dcvrui.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace quicksilver::dicom {

namespace {

bool is_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::size_t characters(std::string_view utf8) {
    return static_cast<std::size_t>(
        std::ranges::count_if(utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// How many characters each value, or for PN each component group, may have (PS3.5 §6.2).
std::size_t characters_max(DcmEVR vr) {
    switch (vr) {
        case EVR_SH:
            return 16;
        case EVR_LO:
        case EVR_PN:
            return 64;
        case EVR_ST:
            return 1024;
        case EVR_LT:
            return 10240;
        default:
            return std::size_t{1} << 30U;
    }
}

bool is_too_long(std::string_view value, DcmEVR vr) {
    const std::string_view ends = vr == EVR_PN ? "\\=" : text_delimiters(vr);
    while (true) {
        const std::size_t end = ends.empty() ? std::string_view::npos : value.find_first_of(ends);
        if (characters(value.substr(0, end)) > characters_max(vr)) return true;
        if (end == std::string_view::npos) return false;
        value.remove_prefix(end + 1);
    }
}

/// Turns every text of the item into UTF-8, whatever it was.
void to_utf8(DcmItem& item, std::string character_set) {
    if (std::string own = element_bytes(item, DCM_SpecificCharacterSet); !own.empty()) character_set = std::move(own);
    const TextDecoder decoder(character_set);
    for (DcmElement* element : elements_of(item)) {
        for (DcmItem* inner : items_of(*element)) to_utf8(*inner, character_set);
        if (!has_character_set(element->ident())) continue;
        OFString bytes;
        if (element->getOFStringArray(bytes).bad() || is_ascii({bytes.c_str(), bytes.size()})) {
            // An escape sequence is ASCII too.
            if (bytes.find('\x1b') == OFString_npos) continue;
        }
        const auto text = decoder.decode({bytes.c_str(), bytes.size()}, text_delimiters(element->ident()));
        element->putString(text.utf8.c_str(), static_cast<Uint32>(text.utf8.size()));
    }
    delete item.remove(DCM_SpecificCharacterSet);
}

/// The key of a private element in an item, whose block is reserved when that has not been done.
std::optional<DcmTagKey> reserve(DcmItem& item, const ElementStep& step) {
    if (const auto known = locate_element(item, step)) return known;
    for (Uint16 block = 0x10; block <= 0xff; ++block) {
        const DcmTagKey reservation(step.key.getGroup(), block);
        if (item.tagExists(reservation)) continue;
        if (item.putAndInsertString(DcmTag(reservation, EVR_LO), step.private_creator.c_str()).bad()) break;
        return DcmTagKey(step.key.getGroup(), static_cast<Uint16>((block << 8) | (step.key.getElement() & 0xff)));
    }
    return std::nullopt;
}

DcmTag tag_of(DcmItem& item, const DcmTagKey& key, const std::string& creator) {
    DcmElement* present = nullptr;
    DcmTag tag = creator.empty() ? DcmTag(key) : DcmTag(key, creator.c_str());
    if (item.findAndGetElement(key, present).good() && present != nullptr) tag.setVR(present->getVR());
    const DcmEVR vr = tag.getEVR();
    if (key.isPrivate() && (vr == EVR_UN || vr == EVR_UNKNOWN || vr == EVR_UNKNOWN2B)) tag.setVR(EVR_LO);
    return tag;
}

void remove_everywhere_in(DcmItem& item, const DcmTagKey& key) {
    delete item.remove(key);
    for (DcmElement* element : elements_of(item)) {
        for (DcmItem* inner : items_of(*element)) remove_everywhere_in(*inner, key);
    }
}

void remove_private_in(DcmItem& item) {
    for (DcmElement* element : elements_of(item)) {
        if (element->getTag().isPrivate()) {
            delete item.remove(element);
            continue;
        }
        for (DcmItem* inner : items_of(*element)) remove_private_in(*inner);
    }
}

}  // namespace

EditableFile::EditableFile(std::unique_ptr<Content> content) : content_(std::move(content)) {}
EditableFile::EditableFile(EditableFile&&) noexcept = default;
EditableFile& EditableFile::operator=(EditableFile&&) noexcept = default;
EditableFile::~EditableFile() = default;

Result<EditableFile> EditableFile::open(const std::filesystem::path& file) {
    auto loaded = load_file(file, DCM_UndefinedTagKey);
    if (!loaded) return loaded.error();
    auto content = std::make_unique<Content>();
    content->path = file;
    content->file = std::move(*loaded);
    return EditableFile(std::move(content));
}

Tags EditableFile::tags(const TagReadOptions& options) const {
    return tags_of(*content_->file, content_->path, options, nullptr);
}

std::optional<std::string> EditableFile::element(std::string_view path) const {
    return element_of(*content_->file, path);
}

Result<void> EditableFile::set(std::string_view path, std::string_view value) {
    const auto steps = parse_element_path(path);
    if (!steps) return steps.error();
    const auto refused = [&](std::string_view why) {
        return Error{Errc::invalid, fmt::format("the value does not fit {}: {}", path, why)};
    };
    DcmItem* item = &content_->data_set();
    for (std::size_t at = 0; at + 1 < steps->size(); ++at) {
        const auto key = reserve(*item, (*steps)[at]);
        DcmItem* inner = nullptr;
        if (!key ||
            item->findOrCreateSequenceItem(DcmTag(*key, EVR_SQ), inner, static_cast<long>((*steps)[at].item)).bad()) {
            return refused("the sequence cannot be made");
        }
        item = inner;
    }
    const auto key = reserve(*item, steps->back());
    if (!key) return refused("the group has no room for another private creator");
    const DcmTag tag = tag_of(*item, *key, steps->back().private_creator);
    const DcmEVR vr = tag.getEVR();
    if (!is_ascii(value)) {
        if (!has_character_set(vr)) return refused(fmt::format("{} takes letters without accents", tag.getVRName()));
        if (content_->file->getDataset() != nullptr &&
            element_bytes(content_->data_set(), DCM_SpecificCharacterSet) != "ISO_IR 192") {
            to_utf8(content_->data_set(), "");
            content_->data_set().putAndInsertString(DCM_SpecificCharacterSet, "ISO_IR 192");
        }
    }
    DcmElement* made = nullptr;
    if (DcmItem::newDicomElementWithVR(made, tag).bad() || made == nullptr) return refused("it is no data element");
    std::unique_ptr<DcmElement> element(made);
    if (!element->isLeaf()) return refused("it is a sequence");
    if (element->putString(std::string(value).c_str(), static_cast<Uint32>(value.size())).bad()) {
        return refused(fmt::format("it is no {}", tag.getVRName()));
    }
    const bool fits = has_character_set(vr) ? !is_too_long(value, vr) : value.empty() || element->checkValue().good();
    if (!fits) return refused(fmt::format("it is too long, or no {}", tag.getVRName()));
    if (item->insert(element.get(), OFTrue).bad()) return refused("it cannot be put there");
    (void)element.release();
    return {};
}

Result<void> EditableFile::remove(std::string_view path) {
    const auto steps = parse_element_path(path);
    if (!steps) return steps.error();
    DcmItem* item = &content_->data_set();
    for (std::size_t at = 0; at < steps->size(); ++at) {
        const auto key = locate_element(*item, (*steps)[at]);
        if (!key) return {};
        if (at + 1 == steps->size()) {
            delete item->remove(*key);
            return {};
        }
        DcmSequenceOfItems* sequence = nullptr;
        if (item->findAndGetSequence(*key, sequence).bad() || sequence == nullptr) return {};
        if ((*steps)[at].item >= sequence->card()) return {};
        item = sequence->getItem((*steps)[at].item);
    }
    return {};
}

Result<void> EditableFile::remove_everywhere(std::string_view name) {
    const auto key = parse_tag_key(name);
    if (!key) return Error{Errc::invalid, fmt::format("\"{}\" is no keyword and not gggg,eeee", name)};
    remove_everywhere_in(content_->data_set(), *key);
    return {};
}

void EditableFile::remove_private() {
    remove_private_in(content_->data_set());
}

Result<void> EditableFile::save(const std::filesystem::path& to) const {
    DcmMetaInfo& meta = *content_->file->getMetaInfo();
    DcmDataset& data_set = content_->data_set();
    const auto follow = [&](const DcmTagKey& in_meta, const DcmTagKey& in_data) {
        const std::string uid = element_bytes(data_set, in_data);
        if (!uid.empty()) meta.putAndInsertString(DcmTag(in_meta), uid.c_str());
    };
    follow(DCM_MediaStorageSOPInstanceUID, DCM_SOPInstanceUID);
    follow(DCM_MediaStorageSOPClassUID, DCM_SOPClassUID);
    // The checksum is that of the data set as it was.
    delete meta.remove(DCM_PrivateInformation);
    delete meta.remove(DCM_PrivateInformationCreatorUID);
    return write_new_file(*content_->file, content_->path, to);
}

Result<void> check_settable(std::string_view path) {
    const auto steps = parse_element_path(path);
    if (!steps) return steps.error();
    const DcmTagKey key = steps->back().key;
    const Uint16 group = key.getGroup();
    const bool describes_pixels =
        group == 0x0028 && (key.getElement() <= 0x0012 || (key.getElement() >= 0x0100 && key.getElement() <= 0x0103));
    if (group <= 0x0002 || group == 0x7fe0 || group >= 0xfffa || describes_pixels || key == DCM_SpecificCharacterSet) {
        return Error{Errc::invalid,
                     fmt::format("{} describes how the file or its pixels are encoded and stays as it is", path)};
    }
    return {};
}

}  // namespace quicksilver::dicom
