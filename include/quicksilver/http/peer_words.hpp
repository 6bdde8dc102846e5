#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string_view>

namespace quicksilver {

/// Whether a text, or the JSON that it is, holds what a peer said: see peer_text.
bool has_peer_words(std::string_view text);

/// Leaves them out of every text in it.
void remove_peer_words(nlohmann::json& content);

}  // namespace quicksilver
