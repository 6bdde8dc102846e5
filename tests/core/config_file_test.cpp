#include "quicksilver/core/config_loader.hpp"

#include "config_fixtures.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>

using namespace quicksilver;
using namespace quicksilver::test;
namespace fs = std::filesystem;

namespace {

mode_t mode_of(const fs::path& file) {
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    return status.st_mode & 07777;
}

LoadedConfig load_file(const fs::path& file) {
    ConfigSources sources = plain_sources();
    sources.file = file;
    return load_config(sources);
}

}  // namespace

TEST_CASE("What was loaded and is written back is the same, unknown keys and their order too", "[config]") {
    const TemporaryFolder folder;
    const auto first = load_text(rich_mercure_json());
    REQUIRE(write_config_file(folder / "mercure.json", config_text(first.source)).ok());
    const auto second = load_file(folder / "mercure.json");
    REQUIRE(second.ok());
    CHECK(second.source == first.source);
    CHECK(second.config->document == first.config->document);
    CHECK(second.problems == first.problems);
    CHECK(second.source["legacy_setting"]["kept"] == nlohmann::ordered_json::array({1, 2, 3}));
    CHECK(second.source["rules"]["rest"]["_note"] == "everything else");
    CHECK(second.source["modules"]["seg"]["docker_arguments"].is_string());
}

TEST_CASE("The effective configuration loads as itself", "[config]") {
    const auto first = load_text(rich_mercure_json());
    const auto second = load_text(config_text(first.config->document));
    INFO(all_lines(second));
    REQUIRE(second.ok());
    CHECK(second.config->document == first.config->document);
}

TEST_CASE("The first start makes a file that loads and accepts compressed images", "[config]") {
    const TemporaryFolder folder;
    const fs::path file = folder / "config/quicksilver.json";
    const auto made = create_first_config(file);
    REQUIRE(made.ok());
    CHECK(*made);
    const auto loaded = load_file(file);
    CHECK(all_lines(loaded) == "");
    REQUIRE(loaded.ok());
    CHECK(loaded.config->dicom.accept_compressed_images);
    CHECK(mode_of(file) == 0600);

    write_file(file, "{}");
    CHECK_FALSE(*create_first_config(file));
    CHECK(read_file(file) == "{}");
}

TEST_CASE("Replacing a file keeps its mode and leaves nothing beside it", "[config]") {
    const TemporaryFolder folder;
    const fs::path file = folder / "mercure.json";
    write_file(file, "{}");
    fs::permissions(file, fs::perms(0640));
    REQUIRE(write_config_file(file, "{\"port\": 1}").ok());
    CHECK(read_file(file) == "{\"port\": 1}");
    CHECK(mode_of(file) == 0640);
    CHECK(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("A symbolic link stays one when the file is replaced", "[config]") {
    const TemporaryFolder folder;
    write_file(folder / "real/mercure.json", "{}");
    fs::create_symlink(folder / "real/mercure.json", folder / "mercure.json");
    REQUIRE(write_config_file(folder / "mercure.json", "{\"port\": 1}").ok());
    CHECK(fs::is_symlink(folder / "mercure.json"));
    CHECK(read_file(folder / "real/mercure.json") == "{\"port\": 1}");
}

TEST_CASE("A file that cannot be written is left as it was", "[config]") {
    const TemporaryFolder folder;
    write_file(folder / "file", "x");
    const auto written = write_config_file(folder / "file/mercure.json", "{}");
    REQUIRE_FALSE(written.ok());
    CHECK(written.error().message.find((folder / "file").string()) != std::string::npos);
    CHECK(read_file(folder / "file") == "x");
}

TEST_CASE("A file that cannot be read is named in the error", "[config]") {
    const TemporaryFolder folder;
    CHECK(all_lines(load_file(folder / "none.json")) ==
          "error: cannot read " + (folder / "none.json").string() + ": No such file or directory\n");
    CHECK(all_lines(load_file(folder.path())) ==
          "error: " + folder.path().string() + " is a folder, not a configuration file\n");
}
