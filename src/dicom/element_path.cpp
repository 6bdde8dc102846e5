#include "element_path.hpp"

#include <dcmtk/dcmdata/dcdicent.h>
#include <dcmtk/dcmdata/dcdict.h>
#include <fmt/format.h>

#include <charconv>
#include <functional>
#include <map>

namespace quicksilver::dicom {

namespace {

constexpr std::string_view retired = "RETIRED_";  // in front of DCMTK's names

/// DCMTK's data dictionary, locked for reading.
class LockedDictionary {
public:
    LockedDictionary() : dictionary_(dcmDataDict.rdlock()) {}
    ~LockedDictionary() { dcmDataDict.rdunlock(); }
    LockedDictionary(const LockedDictionary&) = delete;
    LockedDictionary& operator=(const LockedDictionary&) = delete;

    const DcmDataDictionary* operator->() const { return &dictionary_; }
    DcmDataDictionary& entries() const { return const_cast<DcmDataDictionary&>(dictionary_); }

private:
    const DcmDataDictionary& dictionary_;
};

using KeywordTable = std::map<std::string, DcmTagKey, std::less<>>;

/// DCMTK looks for a name by reading all of its dictionary. Made once, since nobody changes the dictionary.
const KeywordTable& keyword_table() {
    static const KeywordTable all = [] {
        KeywordTable standard;
        KeywordTable others;
        KeywordTable without_prefix;
        const LockedDictionary dictionary;
        // DCMTK 3.6.7 has only iterators that may write.
        auto& entries = dictionary.entries();
        const auto add = [](KeywordTable& table, const DcmDictEntry& entry) {
            table.emplace(entry.getTagName(), entry.getKey());
        };
        const DcmHashDictIterator end = entries.normalEnd();
        for (DcmHashDictIterator place = entries.normalBegin(); place != end; ++place) {
            add((*place)->getGroup() % 2 == 0 ? standard : others, **place);
        }
        const DcmDictEntryListIterator repeating_end = entries.repeatingEnd();
        for (auto place = entries.repeatingBegin(); place != repeating_end; ++place) add(standard, **place);
        standard.merge(others);
        // Elsewhere retired attributes keep their keywords.
        for (const auto& [name, key] : standard) {
            if (name.starts_with(retired)) without_prefix.emplace(name.substr(retired.size()), key);
        }
        standard.merge(without_prefix);
        return standard;
    }();
    return all;
}

std::optional<Uint16> parse_hex(std::string_view digits) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.size() != 4 || error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return static_cast<Uint16>(value);
}

/// `gggg,eeee` with nothing before and after it.
std::optional<DcmTagKey> parse_numbers(std::string_view text) {
    if (text.size() != 9 || text[4] != ',') return std::nullopt;
    const auto group = parse_hex(text.substr(0, 4));
    const auto element = parse_hex(text.substr(5));
    if (!group || !element) return std::nullopt;
    return DcmTagKey(*group, *element);
}

/// Where the step that begins at `begin` ends: at a point that is neither in brackets nor in quotes.
std::size_t end_of_step(std::string_view path, std::size_t begin) {
    bool quoted = false;
    int depth = 0;
    for (std::size_t i = begin; i < path.size(); ++i) {
        if (path[i] == '"') quoted = !quoted;
        if (quoted) continue;
        if (path[i] == '(') ++depth;
        if (path[i] == ')') --depth;
        if (path[i] == '.' && depth == 0) return i;
    }
    return path.size();
}

/// Removes `[n]` from the end of `step` and returns n; 0 when there is none, nothing when it is not a number.
std::optional<unsigned long> take_item_number(std::string_view& step) {
    if (step.empty() || step.back() != ']') return 0UL;
    const std::size_t open = step.rfind('[');
    if (open == std::string_view::npos) return std::nullopt;
    const std::string_view digits = step.substr(open + 1, step.size() - open - 2);
    unsigned long number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    step = step.substr(0, open);
    return number;
}

/// `(gggg,eeee,"CREATOR")`.
std::optional<ElementStep> parse_private(std::string_view text) {
    constexpr std::size_t numbers = 9;
    if (text.size() < numbers + 6 || text.front() != '(' || !text.ends_with("\")") ||
        text.substr(1 + numbers, 2) != ",\"") {
        return std::nullopt;
    }
    const auto key = parse_numbers(text.substr(1, numbers));
    if (!key || key->getGroup() % 2 == 0) return std::nullopt;
    const std::string_view creator = text.substr(numbers + 3, text.size() - numbers - 5);
    return ElementStep{*key, std::string(creator), 0};
}

std::optional<ElementStep> parse_step(std::string_view text) {
    const auto item = take_item_number(text);
    if (!item) return std::nullopt;
    std::optional<ElementStep> step = parse_private(text);
    if (!step) {
        const auto key = parse_tag_key(text);
        if (!key) return std::nullopt;
        step = ElementStep{*key, {}, 0};
    }
    step->item = *item;
    return step;
}

}  // namespace

std::optional<DcmTagKey> parse_tag_key(std::string_view name) {
    const bool bracketed = name.size() == 11 && name.front() == '(' && name.back() == ')';
    if (const auto key = parse_numbers(bracketed ? name.substr(1, 9) : name)) return key;
    const KeywordTable& table = keyword_table();
    const auto found = table.find(name);
    if (found == table.end()) return std::nullopt;
    return found->second;
}

std::string tag_name(const DcmTagKey& key) {
    const LockedDictionary dictionary;
    const DcmDictEntry* entry = dictionary->findEntry(key, nullptr);
    if (entry != nullptr) {
        const std::string_view name = entry->getTagName();
        return std::string(name.starts_with(retired) ? name.substr(retired.size()) : name);
    }
    return fmt::format("({:04x},{:04x})", key.getGroup(), key.getElement());
}

Result<std::vector<ElementStep>> parse_element_path(std::string_view path) {
    std::vector<ElementStep> steps;
    for (std::size_t begin = 0; begin <= path.size();) {
        const std::size_t end = end_of_step(path, begin);
        const std::string_view text = path.substr(begin, end - begin);
        const std::optional<ElementStep> step = parse_step(text);
        if (!step) {
            return Error{Errc::invalid, fmt::format("\"{}\" is not a DICOM keyword, not gggg,eeee and not "
                                                    "(gggg,eeee,\"PRIVATE CREATOR\")",
                                                    text)};
        }
        steps.push_back(*step);
        begin = end + 1;
    }
    return steps;
}

}  // namespace quicksilver::dicom
