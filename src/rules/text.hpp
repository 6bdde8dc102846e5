#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace quicksilver::rules {

/// Texts are UTF-8 that may hold lone surrogates, as Python's str may: bytes that are no UTF-8 become U+DC80…U+DCFF
/// (Python's surrogateescape), so every byte sequence is a text and nothing is lost.
struct Decoded {
    char32_t code;
    unsigned size;
};

/// The character at `position`; the text must come from to_text.
Decoded decode_at(std::string_view text, std::size_t position);
void append_character(std::string& text, char32_t code);
std::size_t count_characters(std::string_view text);
std::u32string to_characters(std::string_view text);
std::string to_text(std::u32string_view characters);

/// Any bytes as a text.
std::string to_text(std::string_view bytes);
/// A text as valid UTF-8: lone surrogates become U+FFFD.
std::string to_utf8(std::string_view text);

/// Properties of a character, as Python's str methods see them.
namespace unicode {
bool is_alpha(char32_t c);
bool is_decimal(char32_t c);
bool is_digit(char32_t c);
bool is_numeric(char32_t c);
bool is_space(char32_t c);
bool is_printable(char32_t c);
bool is_lower(char32_t c);
bool is_upper(char32_t c);
bool is_title(char32_t c);
bool is_cased(char32_t c);
bool is_case_ignorable(char32_t c);
bool is_name_start(char32_t c);
bool is_name_part(char32_t c);
int decimal_value(char32_t c);  ///< 0–9, or -1
enum class Mapping { lower, upper, title, fold };
/// Appends the mapping of one character: up to three characters. Final sigma is the caller's.
void append_mapped(std::u32string& out, char32_t c, Mapping mapping);
}  // namespace unicode

}  // namespace quicksilver::rules
