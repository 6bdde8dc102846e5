#include "quicksilver/store/persistence_folder.hpp"

#include "support/catch.hpp"
#include "support/failing_file_ops.hpp"
#include "support/temporary_folder.hpp"

#include <filesystem>

using namespace quicksilver;
using namespace quicksilver::test;
namespace fs = std::filesystem;

namespace {

struct Persistence {
    TemporaryFolder root;
    std::unique_ptr<FileOps> ops = make_file_ops();
    fs::path folder = root / "bone";
    PersistenceFolder files{*ops, folder};

    std::vector<std::string> names() const {
        std::vector<std::string> all;
        const auto listed = files.list();
        REQUIRE(listed);
        for (const auto& file : *listed) all.push_back(file.name);
        return all;
    }
    void make(const std::string& name, const std::string& text) const {
        fs::create_directories((folder / name).parent_path());
        write_file(folder / name, text);
    }
};

}  // namespace

TEST_CASE("Files of a module are listed and read, those in sub-folders too", "[store][persistence]") {
    Persistence persistence;
    CHECK(persistence.names().empty());
    CHECK(persistence.files.read("persistence.json").error().code == Errc::not_found);
    persistence.make("persistence.json", "{}");
    persistence.make("sub/model.txt", "weights");
    persistence.make("1234.lock", "");
    persistence.make(".hidden", "");
    CHECK(persistence.names() == std::vector<std::string>{"persistence.json", "sub/model.txt"});
    CHECK(persistence.files.read("sub/model.txt")->text == "weights");
    CHECK(persistence.files.read("sub/none").error().code == Errc::not_found);
    CHECK(persistence.files.read("none/none").error().code == Errc::not_found);
    CHECK(persistence.files.read("sub").error().code == Errc::invalid);
}

TEST_CASE("Another content of a file is another version", "[store][persistence]") {
    Persistence persistence;
    REQUIRE(persistence.files.write("a.txt", "one"));
    const std::string version = persistence.files.read("a.txt")->version;
    REQUIRE(persistence.files.write("a.txt", "two"));
    CHECK(persistence.files.read("a.txt")->version != version);
    REQUIRE(persistence.files.write("a.txt", "one"));
    CHECK(persistence.files.read("a.txt")->version == version);
    CHECK(persistence.files.remove("a.txt"));
    CHECK(persistence.files.remove("a.txt"));
    CHECK(persistence.names().empty());
}

TEST_CASE("A file that is too large to be shown has a size and a version", "[store][persistence]") {
    Persistence persistence;
    persistence.make("model.bin", std::string(PersistenceFolder::shown_max + 1, 'x'));
    const auto content = persistence.files.read("model.bin");
    REQUIRE(content);
    CHECK_FALSE(content->text);
    CHECK(content->bytes == PersistenceFolder::shown_max + 1);
    CHECK_FALSE(content->version.empty());
    persistence.make("fits.bin", std::string(PersistenceFolder::shown_max, 'x'));
    CHECK(persistence.files.read("fits.bin")->text->size() == PersistenceFolder::shown_max);
}

TEST_CASE("No name leads out of the folder", "[store][persistence]") {
    Persistence persistence;
    write_file(persistence.root / "secret", "secret");
    persistence.make("a", "x");
    for (const char* name : {"", ".", "..", "../secret", "sub/../../secret", "/etc/passwd", "a/", "/a", "a//b",
                             ".hidden", "sub/.hidden", "1.lock", "a\\b", "a\nb", "a/b/c/d/e/f/g/h/i/j/k/l"}) {
        CAPTURE(name);
        CHECK_FALSE(PersistenceFolder::is_file_name(name));
        CHECK(persistence.files.read(name).error().code == Errc::invalid);
        CHECK(persistence.files.write(name, "x").error().code == Errc::invalid);
        CHECK(persistence.files.remove(name).error().code == Errc::invalid);
    }
    for (const char* name : {"a", "persistence.json", "sub/a.json", "ä b", "a..b"}) {
        CHECK(PersistenceFolder::is_file_name(name));
    }
    CHECK(read_file(persistence.root / "secret") == "secret");
}

TEST_CASE("Links in the folder are followed nowhere", "[store][persistence]") {
    Persistence persistence;
    fs::create_directories(persistence.root / "elsewhere");
    write_file(persistence.root / "elsewhere" / "file", "secret");
    persistence.make("own", "x");
    fs::create_symlink(persistence.root / "elsewhere" / "file", persistence.folder / "file");
    fs::create_directory_symlink(persistence.root / "elsewhere", persistence.folder / "sub");
    CHECK(persistence.names() == std::vector<std::string>{"own"});
    for (const char* name : {"file", "sub/file"}) {
        CAPTURE(name);
        CHECK_FALSE(persistence.files.read(name));
        CHECK_FALSE(persistence.files.write(name, "changed"));
        CHECK_FALSE(persistence.files.remove(name));
    }
    CHECK_FALSE(persistence.files.write("sub/new", "x"));
    CHECK(read_file(persistence.root / "elsewhere" / "file") == "secret");
    CHECK_FALSE(fs::exists(persistence.root / "elsewhere" / "new"));
    // Neither is the folder itself, when it is one.
    fs::create_directory_symlink(persistence.root / "elsewhere", persistence.root / "link");
    const PersistenceFolder link(*persistence.ops, persistence.root / "link");
    CHECK_FALSE(link.list());
    CHECK_FALSE(link.read("file"));
    CHECK_FALSE(link.write("file", "changed"));
}

TEST_CASE("Whatever fails while a file is written, the old content or the new one is there", "[store][persistence]") {
    bool failed = true;
    for (unsigned at = 1; failed; ++at) {
        CAPTURE(at);
        const Persistence persistence;
        persistence.make("a", "old");
        FailingFileOps ops(at);
        const bool written = PersistenceFolder(ops, persistence.folder).write("a", "new").ok();
        failed = ops.has_failed();
        CHECK(written == !failed);
        const std::string now = read_file(persistence.folder / "a");
        CHECK((now == "new" || (!written && now == "old")));
    }
}
