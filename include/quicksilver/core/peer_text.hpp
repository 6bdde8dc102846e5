#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace quicksilver {

/// What another machine said, to be put into an error, an event or the log: so many bytes of whole characters at most,
/// without control characters, between ⟪ and ⟫. A peer may name a patient in its words, so `without_peer_text` finds
/// them again for those who may not see patients; these marks are hardly used for anything else. Pure.
std::string peer_text(std::string_view said, std::size_t bytes_max = 200);

/// The text with all that peers said in it left out.
std::string without_peer_text(std::string_view text);

/// The text with what peers said, but without the marks: for the peer itself.
std::string without_peer_marks(std::string_view text);

/// Each control character as \x1b: a terminal or a reader of lines takes none for its own.
std::string without_control_characters(std::string_view text);

}  // namespace quicksilver
