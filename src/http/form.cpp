#include "form.hpp"

#include <algorithm>
#include <charconv>

namespace quicksilver {

namespace {

std::string decode(std::string_view text) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        unsigned byte = 0;
        const bool escape =
            text[i] == '%' && i + 2 < text.size() &&
            std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16).ptr == text.data() + i + 3;
        if (escape) {
            decoded += static_cast<char>(byte);
            i += 2;
        } else {
            decoded += text[i] == '+' ? ' ' : text[i];
        }
    }
    return decoded;
}

}  // namespace

Form::Form(std::string_view body) {
    while (!body.empty()) {
        const std::string_view part = body.substr(0, body.find('&'));
        body.remove_prefix(std::min(part.size() + 1, body.size()));
        if (part.empty()) continue;
        const std::size_t equals = std::min(part.find('='), part.size());
        fields_.emplace_back(decode(part.substr(0, equals)), decode(part.substr(std::min(equals + 1, part.size()))));
    }
}

std::string Form::value(std::string_view name) const {
    const auto found = std::ranges::find(fields_, name, &std::pair<std::string, std::string>::first);
    return found == fields_.end() ? std::string() : found->second;
}

}  // namespace quicksilver
