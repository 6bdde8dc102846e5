#include "identity_words.hpp"

#include <algorithm>
#include <array>

namespace quicksilver::dicom {

namespace {

constexpr std::size_t word_bytes_min = 3;
constexpr std::size_t phrase_bytes_min = 4;
constexpr std::string_view mark = "***";

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// Letters outside of ASCII count as such in any character set.
bool is_word(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return result;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\0')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.remove_suffix(1);
    return text;
}

std::size_t word_end(std::string_view text, std::size_t begin) {
    while (begin < text.size() && is_word(text[begin])) ++begin;
    return begin;
}

/// A run of digits with the marks that join dates, times and telephone numbers; how many digits it has.
std::size_t number_end(std::string_view text, std::size_t begin, std::size_t& digits) {
    constexpr std::string_view joints = "./-:";
    digits = 0;
    std::size_t end = begin;
    for (std::size_t at = begin; at < text.size(); ++at) {
        if (is_digit(text[at])) {
            ++digits;
            end = at + 1;
        } else if (joints.find(text[at]) == std::string_view::npos) {
            break;
        }
    }
    return end;
}

/// As it is written before a name: MR and DR are modalities.
bool is_title(std::string_view word) {
    constexpr std::array<std::string_view, 10> titles = {"Dr",   "Prof", "Mr",   "Mrs",     "Ms",
                                                         "Miss", "Herr", "Frau", "Patient", "patient"};
    return std::ranges::find(titles, word) != titles.end();
}

}  // namespace

void IdentityWords::add_name(std::string_view name) {
    for (std::size_t at = 0; at < name.size();) {
        const std::size_t end = word_end(name, at);
        if (end - at >= word_bytes_min) words_.insert(lower(name.substr(at, end - at)));
        at = std::max(end, at + 1);
    }
}

void IdentityWords::add_phrase(std::string_view phrase) {
    phrase = trimmed(phrase);
    // One word may be a part of many others.
    if (word_end(phrase, 0) == phrase.size() && std::ranges::none_of(phrase, is_digit)) return add_name(phrase);
    if (phrase.size() >= phrase_bytes_min) phrases_.insert(lower(phrase));
}

IdentityWords::Outcome IdentityWords::without_known(std::string_view text) const {
    Outcome outcome{std::string(text), true};
    std::string small = lower(text);
    for (const std::string& phrase : phrases_) {
        for (std::size_t at = small.find(phrase); at != std::string::npos; at = small.find(phrase, at)) {
            outcome.text.replace(at, phrase.size(), mark);
            small.replace(at, phrase.size(), mark);
            outcome.same = false;
        }
    }
    if (words_.empty()) return outcome;
    for (std::size_t at = 0; at < small.size();) {
        const std::size_t end = word_end(small, at);
        if (end > at && words_.contains(small.substr(at, end - at))) {
            outcome.text.replace(at, end - at, mark);
            small.replace(at, end - at, mark);
            outcome.same = false;
            at += mark.size();
        } else {
            at = std::max(end, at + 1);
        }
    }
    return outcome;
}

std::string IdentityWords::cleaned(std::string_view text) const {
    constexpr std::size_t digits_max = 5;
    const std::string known = without(text);
    const std::string_view source = known;
    std::string result;
    bool after_title = false;
    for (std::size_t at = 0; at < source.size();) {
        const std::size_t end = word_end(source, at);
        if (end == at) {
            if (source[at] == '@') {
                at = std::min(source.find(' ', at), source.size());
                continue;
            }
            if (source[at] != ' ' && source[at] != '.' && source[at] != '^') after_title = false;
            result += source[at++];
            continue;
        }
        std::size_t digits = 0;
        const std::size_t number = number_end(source, at, digits);
        const std::string_view word = source.substr(at, end - at);
        const bool is_mail = end < source.size() && source[end] == '@';
        if (digits > digits_max) {
            result += mark;
            at = std::max(number, end);
        } else if (is_mail) {
            result += mark;
            at = std::min(source.find(' ', end), source.size());
        } else {
            result += after_title ? mark : word;
            at = end;
        }
        after_title = is_title(word);
    }
    return result;
}

}  // namespace quicksilver::dicom
