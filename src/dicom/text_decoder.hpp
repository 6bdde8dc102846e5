#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver::dicom {

bool is_valid_utf8(std::string_view text);

/// Text of one data set as UTF-8, whatever SpecificCharacterSet (0008,0005) declares: PS3.3 §C.12.1.1.2, PS3.5 §6.1.
/// DCMTK's own conversion lacks the Japanese multi-byte sets where it is built on glibc's iconv, as in Debian.
///
/// Never fails. What does not fit the declaration is taken as UTF-8 if it is valid UTF-8, then as the other declared
/// character sets, then as Latin-1; escape sequences of sets that were not declared are followed all the same.
class TextDecoder {
public:
    explicit TextDecoder(std::string_view specific_character_set);

    struct Text {
        std::string utf8;
        bool guessed = false;  ///< the bytes did not fit the declared character set
    };
    /// `delimiters` are the characters that end a value or a component and with it the effect of escape sequences:
    /// `\` for most value representations, `\^=` for PN, none for ST, LT and UT.
    Text decode(std::string_view value, std::string_view delimiters) const;

    /// The sets that one half of the code table can hold; which bytes mean what follows PS3.3 tables C.12-2 to C.12-5.
    enum class Repertoire : std::uint8_t {
        none,  ///< nothing: bytes of this half are wrong
        ascii,
        latin1,
        latin2,
        latin3,
        latin4,
        cyrillic,
        arabic,
        greek,
        hebrew,
        latin5,
        latin9,
        thai,
        katakana,
        kanji,
        supplementary_kanji,
        korean,
        chinese,
    };

private:
    /// What is active in the two halves of the code table: bytes below 0x80, and the others.
    struct CodeTable {
        Repertoire left = Repertoire::ascii;
        Repertoire right = Repertoire::none;
    };
    enum class Scheme { code_extensions, utf8, gb18030 };

    std::optional<std::string> decode_as_declared(std::string_view value, std::string_view delimiters) const;
    static std::optional<std::string> decode_code_extensions(std::string_view value, std::string_view delimiters,
                                                             CodeTable initial);
    void declare(std::string_view term, bool first);

    Scheme scheme_ = Scheme::code_extensions;
    CodeTable initial_;
    std::vector<Repertoire> further_;  // right halves of the terms after the first
};

}  // namespace quicksilver::dicom
