#pragma once

#include <string_view>

namespace quicksilver {

/// A file of the web interface in the program; cmake/EmbedFolder.cmake writes the table of them.
struct EmbeddedFile {
    const char* name;  ///< "index.html", "assets/app.js"
    const char* begin;
    const char* end;         ///< and the begin of what gzip made of it
    const char* packed_end;  ///< `end` when there is no such thing

    std::string_view content() const { return {begin, static_cast<std::size_t>(end - begin)}; }
    std::string_view packed() const { return {end, static_cast<std::size_t>(packed_end - end)}; }
};

extern "C" const EmbeddedFile quicksilver_embedded_begin[];
extern "C" const EmbeddedFile quicksilver_embedded_end[];

}  // namespace quicksilver
