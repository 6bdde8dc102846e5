#include "monai_manifest.hpp"

#include "container_request.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <nlohmann/json.hpp>

#include <memory>

namespace quicksilver {

using Json = nlohmann::json;

namespace {

std::optional<std::vector<std::string>> words_of(const Json& value) {
    if (!value.is_array() || value.empty()) return std::nullopt;
    std::vector<std::string> words;
    for (const Json& word : value) {
        if (!word.is_string()) return std::nullopt;
        words.push_back(word.get<std::string>());
    }
    return words;
}

}  // namespace

Result<std::vector<std::string>> parse_monai_command(std::string_view manifest) {
    const Error unreadable{Errc::invalid,
                           "the image's /etc/monai/app.json names no command, so it cannot be run as a MONAI "
                           "application package; ask its author"};
    const Json json = Json::parse(manifest, nullptr, false);
    if (!json.is_object() || !json.contains("command")) return unreadable;
    const Json& command = json["command"];
    if (auto words = words_of(command)) return std::move(*words);
    if (!command.is_string()) return unreadable;
    const auto line = command.get<std::string>();
    // Newer packagers write the list of words as JSON in a string.
    if (auto words = words_of(Json::parse(line, nullptr, false))) return std::move(*words);
    auto words = split_command(line);
    if (words.empty()) return unreadable;
    return words;
}

std::optional<std::string> first_file_of_tar(std::string_view tar) {
    struct Free {
        void operator()(archive* reader) const { archive_read_free(reader); }
    };
    const std::unique_ptr<archive, Free> reader(archive_read_new());
    archive_read_support_format_tar(reader.get());
    if (archive_read_open_memory(reader.get(), tar.data(), tar.size()) != ARCHIVE_OK) return std::nullopt;
    archive_entry* entry = nullptr;
    while (archive_read_next_header(reader.get(), &entry) == ARCHIVE_OK) {
        if (archive_entry_filetype(entry) != AE_IFREG) continue;
        std::string content;
        char bytes[8192];
        for (;;) {
            const la_ssize_t count = archive_read_data(reader.get(), bytes, sizeof(bytes));
            if (count < 0) return std::nullopt;
            if (count == 0) return content;
            content.append(bytes, static_cast<std::size_t>(count));
        }
    }
    return std::nullopt;
}

}  // namespace quicksilver
