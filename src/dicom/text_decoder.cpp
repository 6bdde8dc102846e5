#include "text_decoder.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <iconv.h>

namespace quicksilver::dicom {

namespace {

using Repertoire = TextDecoder::Repertoire;

struct DefinedTerm {
    std::string_view number;  // of `ISO_IR n` and `ISO 2022 IR n`
    Repertoire right;
};

constexpr std::array<DefinedTerm, 17> defined_terms = {{
    {"6", Repertoire::none},
    {"13", Repertoire::katakana},
    {"58", Repertoire::chinese},
    {"87", Repertoire::none},  // Kanji occupy the left half, and only after an escape sequence.
    {"100", Repertoire::latin1},
    {"101", Repertoire::latin2},
    {"109", Repertoire::latin3},
    {"110", Repertoire::latin4},
    {"126", Repertoire::greek},
    {"127", Repertoire::arabic},
    {"138", Repertoire::hebrew},
    {"144", Repertoire::cyrillic},
    {"148", Repertoire::latin5},
    {"149", Repertoire::korean},
    {"159", Repertoire::none},
    {"166", Repertoire::thai},
    {"203", Repertoire::latin9},
}};

struct EscapeSequence {
    std::string_view bytes;  // after ESC
    bool left;
    Repertoire repertoire;
};

constexpr std::array<EscapeSequence, 19> escape_sequences = {{
    {"(B", true, Repertoire::ascii},
    {"(J", true, Repertoire::ascii},  // JIS X 0201 Roman: ASCII but for the pictures of two characters
    {"$B", true, Repertoire::kanji},
    {"$@", true, Repertoire::kanji},
    {"$(D", true, Repertoire::supplementary_kanji},
    {")I", false, Repertoire::katakana},
    {"$)C", false, Repertoire::korean},
    {"$)A", false, Repertoire::chinese},
    {"-A", false, Repertoire::latin1},
    {"-B", false, Repertoire::latin2},
    {"-C", false, Repertoire::latin3},
    {"-D", false, Repertoire::latin4},
    {"-L", false, Repertoire::cyrillic},
    {"-G", false, Repertoire::arabic},
    {"-F", false, Repertoire::greek},
    {"-H", false, Repertoire::hebrew},
    {"-M", false, Repertoire::latin5},
    {"-T", false, Repertoire::thai},
    {"-b", false, Repertoire::latin9},
}};

/// What iconv calls an encoding that has this repertoire in the right half; for Kanji after `as_euc_jp`.
const char* encoding_of(Repertoire repertoire) {
    switch (repertoire) {
        case Repertoire::none:
            return nullptr;
        case Repertoire::ascii:
            return "ASCII";
        case Repertoire::latin1:
            return "ISO-8859-1";
        case Repertoire::latin2:
            return "ISO-8859-2";
        case Repertoire::latin3:
            return "ISO-8859-3";
        case Repertoire::latin4:
            return "ISO-8859-4";
        case Repertoire::cyrillic:
            return "ISO-8859-5";
        case Repertoire::arabic:
            return "ISO-8859-6";
        case Repertoire::greek:
            return "ISO-8859-7";
        case Repertoire::hebrew:
            return "ISO-8859-8";
        case Repertoire::latin5:
            return "ISO-8859-9";
        case Repertoire::latin9:
            return "ISO-8859-15";
        case Repertoire::thai:
            return "TIS-620";
        case Repertoire::katakana:
            return "SHIFT_JIS";
        case Repertoire::kanji:
        case Repertoire::supplementary_kanji:
            return "EUC-JP";
        case Repertoire::korean:
            return "EUC-KR";
        case Repertoire::chinese:
            return "GB2312";
    }
    return nullptr;
}

/// Kanji of the left half as EUC-JP has them: both bytes in the right half, those of JIS X 0212 after 0x8F.
std::string as_euc_jp(std::string_view pairs, bool supplementary) {
    std::string out;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        if (supplementary && i % 2 == 0) out += '\x8f';
        out += static_cast<char>(static_cast<unsigned char>(pairs[i]) | 0x80U);
    }
    return out;
}

/// iconv with one open descriptor.
class Converter {
public:
    explicit Converter(const char* encoding) : descriptor_(::iconv_open("UTF-8", encoding)) {}
    ~Converter() {
        if (usable()) ::iconv_close(descriptor_);
    }
    Converter(const Converter&) = delete;
    Converter& operator=(const Converter&) = delete;

    std::optional<std::string> convert(std::string_view bytes) const {
        if (!usable()) return std::nullopt;
        std::string in(bytes);
        std::string out(in.size() * 4 + 4, '\0');  // no character grows to more than four bytes a byte
        char* from = in.data();
        std::size_t from_left = in.size();
        char* to = out.data();
        std::size_t to_left = out.size();
        const std::size_t failed = static_cast<std::size_t>(-1);
        if (::iconv(descriptor_, &from, &from_left, &to, &to_left) == failed) return std::nullopt;
        if (::iconv(descriptor_, nullptr, nullptr, &to, &to_left) == failed) return std::nullopt;
        out.resize(out.size() - to_left);
        return out;
    }

private:
    bool usable() const { return descriptor_ != reinterpret_cast<iconv_t>(std::intptr_t{-1}); }

    iconv_t descriptor_;
};

std::optional<std::string> convert(std::string_view bytes, Repertoire repertoire) {
    const char* encoding = encoding_of(repertoire);
    if (encoding == nullptr) return std::nullopt;
    if (repertoire == Repertoire::kanji || repertoire == Repertoire::supplementary_kanji) {
        return Converter(encoding).convert(as_euc_jp(bytes, repertoire == Repertoire::supplementary_kanji));
    }
    return Converter(encoding).convert(bytes);
}

bool is_right(char c) {
    return (static_cast<unsigned char>(c) & 0x80U) != 0;
}
bool is_kanji(Repertoire repertoire) {
    return repertoire == Repertoire::kanji || repertoire == Repertoire::supplementary_kanji;
}
bool is_plain_ascii(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) { return is_right(c) || c == '\x1b'; });
}

/// Letters and digits in capitals: what remains of a term however it was misspelt.
std::string essence(std::string_view term) {
    std::string out;
    for (const char c : term) {
        if ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) out += c;
        if (c >= 'a' && c <= 'z') out += static_cast<char>(c - 'a' + 'A');
    }
    return out;
}

std::optional<Repertoire> repertoire_of(const std::string& essence) {
    const std::size_t ir = essence.rfind("IR");
    const std::string number = ir == std::string::npos ? essence : essence.substr(ir + 2);
    for (const DefinedTerm& term : defined_terms) {
        if (term.number == number) return term.right;
    }
    return std::nullopt;
}

std::string latin1_to_utf8(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x80) {
            out += c;
        } else {
            out += static_cast<char>(0xC0U | (byte >> 6U));
            out += static_cast<char>(0x80U | (byte & 0x3FU));
        }
    }
    return out;
}

}  // namespace

TextDecoder::TextDecoder(std::string_view specific_character_set) {
    bool first = true;
    for (std::size_t begin = 0; begin <= specific_character_set.size(); first = false) {
        const std::size_t end = std::min(specific_character_set.find('\\', begin), specific_character_set.size());
        declare(specific_character_set.substr(begin, end - begin), first);
        begin = end + 1;
    }
}

TextDecoder::Text TextDecoder::decode(std::string_view value, std::string_view delimiters) const {
    if (is_plain_ascii(value)) return {std::string(value), false};
    if (auto text = decode_as_declared(value, delimiters)) return {*std::move(text), false};
    if (is_valid_utf8(value)) return {std::string(value), true};
    for (const Repertoire repertoire : further_) {
        const CodeTable table{Repertoire::ascii, repertoire};
        if (auto text = decode_code_extensions(value, delimiters, table)) return {*std::move(text), true};
    }
    return {latin1_to_utf8(value), true};
}

std::optional<std::string> TextDecoder::decode_as_declared(std::string_view value, std::string_view delimiters) const {
    std::optional<std::string> text;
    switch (scheme_) {
        case Scheme::utf8:
            text = std::string(value);
            break;
        case Scheme::gb18030:
            text = Converter("GB18030").convert(value);
            break;
        case Scheme::code_extensions:
            text = decode_code_extensions(value, delimiters, initial_);
            break;
    }
    if (text && !is_valid_utf8(*text)) text.reset();
    return text;
}

std::optional<std::string> TextDecoder::decode_code_extensions(std::string_view value, std::string_view delimiters,
                                                               CodeTable initial) {
    std::string out;
    CodeTable table = initial;
    std::size_t i = 0;
    while (i < value.size()) {
        if (value[i] == '\x1b') {
            const std::string_view rest = value.substr(i + 1);
            const auto* escape = std::find_if(escape_sequences.begin(), escape_sequences.end(),
                                              [rest](const EscapeSequence& e) { return rest.starts_with(e.bytes); });
            if (escape == escape_sequences.end()) return std::nullopt;
            (escape->left ? table.left : table.right) = escape->repertoire;
            i += 1 + escape->bytes.size();
            continue;
        }
        const bool control = static_cast<unsigned char>(value[i]) < 0x20;
        const bool delimiter = !is_kanji(table.left) && delimiters.find(value[i]) != std::string_view::npos;
        if (control || delimiter) {
            // PS3.5 §6.1.2.5.3: back to the initial state. A right half that had none keeps what it was given, because
            // many systems do not repeat their escape sequence after a delimiter.
            table.left = initial.left;
            if (initial.right != Repertoire::none) table.right = initial.right;
            out += value[i++];
            continue;
        }
        const bool right = is_right(value[i]);
        const std::size_t begin = i++;
        const bool opaque = !right && is_kanji(table.left);  // delimiters are halves of characters there
        while (i < value.size() && is_right(value[i]) == right && static_cast<unsigned char>(value[i]) >= 0x20 &&
               (opaque || delimiters.find(value[i]) == std::string_view::npos)) {
            ++i;
        }
        auto run = convert(value.substr(begin, i - begin), right ? table.right : table.left);
        if (!run) return std::nullopt;
        out += *run;
    }
    return out;
}

void TextDecoder::declare(std::string_view term, bool first) {
    const std::string name = essence(term);
    // These three exclude code extensions and other sets (PS3.3 §C.12.1.1.2); who lists them among others means them.
    if (name.find("UTF8") != std::string::npos || name == "ISOIR192" || name == "ISO2022IR192") {
        scheme_ = Scheme::utf8;
    } else if (name == "GB18030" || name == "GBK") {
        scheme_ = Scheme::gb18030;  // of which GBK is a part
    } else if (const auto repertoire = repertoire_of(name)) {
        if (first) {
            initial_.right = *repertoire;
        } else if (*repertoire != Repertoire::none) {
            further_.push_back(*repertoire);
        }
    }
}

bool is_valid_utf8(std::string_view text) {
    std::size_t i = 0;
    while (i < text.size()) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t length = lead < 0x80   ? 1
                                   : lead < 0xC2 ? 0
                                   : lead < 0xE0 ? 2
                                   : lead < 0xF0 ? 3
                                   : lead < 0xF5 ? 4
                                                 : 0;
        if (length == 0 || i + length > text.size()) return false;
        for (std::size_t k = 1; k < length; ++k) {
            if ((static_cast<unsigned char>(text[i + k]) & 0xC0U) != 0x80U) return false;
        }
        if (length > 2) {
            // Not longer than needed, no surrogates, nothing above U+10FFFF.
            const auto second = static_cast<unsigned char>(text[i + 1]);
            if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) || (lead == 0xF0 && second < 0x90) ||
                (lead == 0xF4 && second > 0x8F)) {
                return false;
            }
        }
        i += length;
    }
    return true;
}

}  // namespace quicksilver::dicom
