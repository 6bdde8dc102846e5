#include "pipeline/runners/monai_manifest.hpp"

#include "support/catch.hpp"

#include <archive.h>
#include <archive_entry.h>

using namespace quicksilver;
using Words = std::vector<std::string>;

namespace {

std::string tar_of(const std::string& name, const std::string& content) {
    std::string bytes(64 * 1024, '\0');
    std::size_t used = 0;
    archive* writer = archive_write_new();
    archive_write_set_format_ustar(writer);
    archive_write_open_memory(writer, bytes.data(), bytes.size(), &used);
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(content.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_write_header(writer, entry);
    archive_write_data(writer, content.data(), content.size());
    archive_entry_free(entry);
    archive_write_close(writer);
    archive_write_free(writer);
    return bytes.substr(0, used);
}

}  // namespace

TEST_CASE("The command of a manifest may be a line, a list, or a list in a text", "[pipeline][runners]") {
    const Words words{"python3", "-u", "/opt/app"};
    CHECK(*parse_monai_command(R"({"command": "python3 -u /opt/app"})") == words);
    CHECK(*parse_monai_command(R"({"command": ["python3", "-u", "/opt/app"]})") == words);
    CHECK(*parse_monai_command(R"({"command": "[\"python3\", \"-u\", \"/opt/app\"]"})") == words);
}

TEST_CASE("A manifest without a usable command is an error", "[pipeline][runners]") {
    for (const char* text : {"", "nonsense", "[]", "{}", R"({"command": ""})", R"({"command": 5})",
                             R"({"command": [1]})", R"({"command": []})"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_monai_command(text));
    }
}

TEST_CASE("The file of a tar is found, and damage is no crash", "[pipeline][runners]") {
    const std::string tar = tar_of("app.json", "{\"command\": \"x\"}");
    CHECK(first_file_of_tar(tar) == "{\"command\": \"x\"}");
    CHECK_FALSE(first_file_of_tar(""));
    CHECK_FALSE(first_file_of_tar(std::string(2000, 'x')));
    CHECK_FALSE(first_file_of_tar(tar.substr(0, 515)));
}
