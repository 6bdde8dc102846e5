#include "quicksilver/dicom/dictionary.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdicent.h>
#include <dcmtk/dcmdata/dcdict.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace quicksilver::dicom {

namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool begins_with(std::string_view text, std::string_view prefix) {
    return text.size() >= prefix.size() &&
           std::equal(prefix.begin(), prefix.end(), text.begin(), [](char a, char b) { return lower(a) == lower(b); });
}

/// Locked for reading as long as it lives.
class LockedDictionary {
public:
    LockedDictionary() : dictionary_(dcmDataDict.rdlock()) {}
    ~LockedDictionary() { dcmDataDict.rdunlock(); }
    LockedDictionary(const LockedDictionary&) = delete;
    LockedDictionary& operator=(const LockedDictionary&) = delete;

    const DcmDataDictionary& operator*() const { return dictionary_; }

private:
    const DcmDataDictionary& dictionary_;
};

}  // namespace

std::vector<DictionaryEntry> find_in_dictionary(std::string_view prefix, std::size_t limit) {
    std::vector<DictionaryEntry> found;
    const LockedDictionary dictionary;
    // DCMTK 3.6.7 has only iterators that may write.
    auto& entries = const_cast<DcmDataDictionary&>(*dictionary);
    const DcmHashDictIterator end = entries.normalEnd();
    for (DcmHashDictIterator place = entries.normalBegin(); place != end; ++place) {
        const DcmDictEntry& entry = **place;
        const bool is_private = entry.getPrivateCreator() != nullptr;
        const DcmTagKey key = entry.getKey();
        const std::string tag = fmt::format("{:04x},{:04x}", key.getGroup(), key.getElement());
        const std::string keyword = entry.getTagName();
        if (is_private || (!begins_with(keyword, prefix) && !begins_with(tag, prefix))) continue;
        found.push_back({keyword, tag, entry.getVR().getVRName()});
    }
    std::ranges::sort(found, {}, &DictionaryEntry::keyword);
    if (found.size() > limit) found.resize(limit);
    return found;
}

std::string keyword_of(std::string_view tag) {
    unsigned number = 0;
    const auto [end, failed] = std::from_chars(tag.data(), tag.data() + tag.size(), number, 16);
    if (tag.size() != 8 || failed != std::errc() || end != tag.data() + tag.size()) return "";
    const DcmTagKey key(static_cast<Uint16>(number >> 16), static_cast<Uint16>(number & 0xFFFF));
    const LockedDictionary dictionary;
    const DcmDictEntry* entry = (*dictionary).findEntry(key, nullptr);
    return entry ? entry->getTagName() : "";
}

}  // namespace quicksilver::dicom
