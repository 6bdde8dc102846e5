#include "quicksilver/http/peer_words.hpp"

#include "quicksilver/core/peer_text.hpp"

#include <nlohmann/json.hpp>

namespace quicksilver {

bool has_peer_words(std::string_view text) {
    return text.find("⟪") != std::string_view::npos;
}

void remove_peer_words(nlohmann::json& content) {
    if (content.is_string()) {
        auto& text = content.get_ref<std::string&>();
        if (has_peer_words(text)) text = without_peer_text(text);
    }
    if (!content.is_structured()) return;
    for (nlohmann::json& member : content) remove_peer_words(member);
}

}  // namespace quicksilver
