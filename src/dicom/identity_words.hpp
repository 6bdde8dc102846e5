#pragma once

#include <set>
#include <string>
#include <string_view>

namespace quicksilver::dicom {

/// What would give a patient away when it stood in a text: names, numbers, dates. Pure.
class IdentityWords {
public:
    /// Each part of a person's name of at least three bytes.
    void add_name(std::string_view name);
    /// A number, address or date as a whole, when it has at least four bytes.
    void add_phrase(std::string_view phrase);

    bool occurs_in(std::string_view text) const { return !without_known(text).same; }
    /// The text without what was added. Letters of any case; names only as whole words.
    std::string without(std::string_view text) const { return without_known(text).text; }
    /// Also without what looks like identity: dates, times, numbers of at least six digits, addresses of mail, and the
    /// word after a title.
    std::string cleaned(std::string_view text) const;

    bool empty() const { return words_.empty() && phrases_.empty(); }

private:
    struct Outcome {
        std::string text;
        bool same = true;
    };
    Outcome without_known(std::string_view text) const;

    std::set<std::string> words_, phrases_;  // in lower case
};

}  // namespace quicksilver::dicom
