#include "dicom/text_decoder.hpp"

#include "support/catch.hpp"

using quicksilver::dicom::is_valid_utf8;
using quicksilver::dicom::TextDecoder;

namespace {

struct Sample {
    std::string what;
    std::string character_set;
    std::string bytes;
    std::string utf8;
    bool guessed;
};

constexpr const char* name_delimiters = "\\^=";

}  // namespace

TEST_CASE("Text in any character set of the standard becomes UTF-8", "[dicom][charset]") {
    const Sample sample = GENERATE(values<Sample>({
        {"no set, plain", "", "Doe^Jane", "Doe^Jane", false},
        {"Latin-1", "ISO_IR 100", "\xc4neas^R\xfc", "Äneas^Rü", false},
        {"Latin-2", "ISO_IR 101", "Wa\xb3\xeasa", "Wałęsa", false},
        {"Latin-3", "ISO_IR 109", "\xa1", "Ħ", false},
        {"Latin-4", "ISO_IR 110", "\xe0", "ā", false},
        {"Latin-5", "ISO_IR 148", "\xdd", "İ", false},
        {"Latin-9", "ISO_IR 203", "\xa4", "€", false},
        {"Cyrillic", "ISO_IR 144",
         "\xbb\xee\xda"
         "ce\xdc\xd1yp\xd3",
         "Люкceмбypг", false},
        {"Arabic", "ISO_IR 127", "\xe2\xc8\xc7\xe6\xea", "قباني", false},
        {"Greek", "ISO_IR 126", "\xc4\xe9\xef", "Διο", false},
        {"Hebrew", "ISO_IR 138", "\xf9\xf8\xe5\xef", "שרון", false},
        {"Thai", "ISO_IR 166", "\xca\xc7\xd1\xca", "สวัส", false},
        {"half-width Katakana", "ISO_IR 13", "\xd4\xcf\xc0\xde^\xc0\xdb\xb3", "ﾔﾏﾀﾞ^ﾀﾛｳ", false},
        {"Katakana keeps the backslash", "ISO_IR 13", "\xd4\\\xcf~", "ﾔ\\ﾏ~", false},
        {"UTF-8", "ISO_IR 192", "王^小東", "王^小東", false},
        {"GB18030", "GB18030", "\xcd\xf5^\xd0\xa1\xb6\xab", "王^小东", false},
        {"GBK", "GBK", "\xcd\xf5^\xd0\xa1\xb6\xab", "王^小东", false},
        {"a GBK character that ends like a backslash", "GBK", "\x81\x5c", "乗", false},
        {"Kanji", "\\ISO 2022 IR 87", "Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B", "Yamada^Tarou=山田^太郎",
         false},
        {"a Kanji byte that looks like a delimiter", "\\ISO 2022 IR 87", "\x1b$B^=\x1b(B", "渊", false},
        {"Katakana and Kanji", "ISO 2022 IR 13\\ISO 2022 IR 87", "\xd4\xcf=\x1b$B;3\x1b(J", "ﾔﾏ=山", false},
        {"supplementary Kanji", "\\ISO 2022 IR 159", "\x1b$(D\x30\x21\x1b(B", "丂", false},
        {"Korean", "\\ISO 2022 IR 149", "Hong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7", "Hong=洪^吉洞", false},
        {"simplified Chinese", "\\ISO 2022 IR 58", "\x1b$)A\xcd\xf5^\x1b$)A\xd0\xa1", "王^小", false},
        {"a delimiter ends an escape sequence", "ISO 2022 IR 100\\ISO 2022 IR 126", "\x1b-F\xc4^\xc4", "Δ^Ä", false},
        {"a line end ends an escape sequence", "ISO 2022 IR 100\\ISO 2022 IR 126", "\x1b-F\xc4\r\n\xc4", "Δ\r\nÄ",
         false},
    }));
    CAPTURE(sample.what);
    const TextDecoder::Text text = TextDecoder(sample.character_set).decode(sample.bytes, name_delimiters);
    CHECK(text.utf8 == sample.utf8);
    CHECK(text.guessed == sample.guessed);
}

TEST_CASE("A wrong character set never stops a text and is noticed where it matters", "[dicom][charset]") {
    const Sample sample = GENERATE(values<Sample>({
        {"missing, is UTF-8", "", "Müller", "Müller", true},
        {"missing, is Latin-1", "", "M\xfcller", "Müller", true},
        {"unknown name", "KLINGON", "M\xfcller", "Müller", true},
        {"UTF-8 declared, is Latin-1", "ISO_IR 192", "M\xfcller", "Müller", true},
        {"name for code extensions without a list", "ISO 2022 IR 144", "\xbb\xee", "Лю", false},
        {"list with the names for no list", "ISO_IR 100\\ISO_IR 144", "\x1b-L\xbb\xee", "Лю", false},
        {"misspelt", "iso-ir_144 ", "\xbb\xee", "Лю", false},
        {"UTF8 as people write it", "UTF-8", "Müller", "Müller", false},
        {"UTF-8 in a list", "ISO 2022 IR 100\\ISO_IR 192", "Müller", "Müller", false},
        {"declared, but no escape sequence", "\\ISO 2022 IR 149", "\xb1\xe8\xc8\xf1", "김희", true},
        {"escape sequence, but not declared", "", "\x1b$B;3ED\x1b(B", "山田", false},
        {"unknown escape sequence", "ISO_IR 100", "A\x1b%Z\xfc", "A\x1b%Zü", true},
        {"an escape sequence cut off", "\\ISO 2022 IR 87", "A\x1b$", "A\x1b$", true},
        {"half a Kanji", "\\ISO 2022 IR 87", "\x1b$B;", "\x1b$B;", true},
        {"a byte that the set does not have", "ISO_IR 127", "\xa1", "¡", true},
    }));
    CAPTURE(sample.what);
    const TextDecoder::Text text = TextDecoder(sample.character_set).decode(sample.bytes, name_delimiters);
    CHECK(text.utf8 == sample.utf8);
    CHECK(text.guessed == sample.guessed);
}

TEST_CASE("Any bytes under any character set give valid UTF-8", "[dicom][charset]") {
    const std::string character_set = GENERATE("", "ISO_IR 100", "ISO_IR 13", "ISO_IR 192", "GB18030", "ISO_IR 166",
                                               "\\ISO 2022 IR 87\\ISO 2022 IR 159", "ISO 2022 IR 13\\ISO 2022 IR 149");
    const TextDecoder decoder(character_set);
    unsigned state = 1;  // a fixed sequence of pseudo-random bytes, rich in escape characters
    for (int round = 0; round < 2000; ++round) {
        std::string bytes;
        for (int i = 0; i < 12; ++i) {
            state = state * 1103515245U + 12345U;
            const unsigned value = (state >> 16U) & 0xffU;
            bytes += value % 8 == 0 ? '\x1b' : value % 8 == 1 ? '$' : static_cast<char>(value);
        }
        REQUIRE(is_valid_utf8(decoder.decode(bytes, name_delimiters).utf8));
    }
}

TEST_CASE("Only well-formed UTF-8 counts as UTF-8", "[dicom][charset]") {
    CHECK(is_valid_utf8(""));
    CHECK(is_valid_utf8("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"));
    const std::string wrong = GENERATE("\x80", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                       "\xf8\x88\x80\x80\x80", "\xe2\x82", "a\xff");
    CHECK_FALSE(is_valid_utf8(wrong));
}
