#include "quicksilver/store/durable_file.hpp"

#include "store/folders_fixture.hpp"
#include "support/catch.hpp"
#include "support/failing_file_ops.hpp"

using namespace quicksilver;
using namespace quicksilver::test;
using How = FailingFileOps::How;

namespace fs = std::filesystem;

TEST_CASE("A durable write makes a new file and replaces an old one", "[store]") {
    TemporaryFolder folder;
    const auto ops = make_file_ops();
    REQUIRE(write_durably(*ops, folder / "a.json", "one"));
    CHECK(read_file(folder / "a.json") == "one");
    REQUIRE(write_durably(*ops, folder / "a.json", "two"));
    CHECK(read_file(folder / "a.json") == "two");
    CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("A durable write that fails at any call leaves the old or the new content, and works again afterwards",
          "[store][faults]") {
    const auto how = GENERATE(How::once, How::disk_full, How::crash);
    const unsigned rounds = for_every_failure(how, [](FailingFileOps& ops) {
        TemporaryFolder folder;
        write_file(folder / "a.json", "old");
        try {
            const auto written = write_durably(ops, folder / "a.json", "new content");
            CHECK(written.ok() != ops.has_failed());
        } catch (const SimulatedCrash&) {
        }
        const std::string content = read_file(folder / "a.json");
        CHECK((content == "old" || content == "new content"));
        ops.heal();
        REQUIRE(write_durably(ops, folder / "a.json", "new content"));
        CHECK(read_file(folder / "a.json") == "new content");
        CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
    });
    CHECK(rounds >= 2);
}

TEST_CASE("A full disk is told apart from other failures, with the path", "[store]") {
    TemporaryFolder folder;
    FailingFileOps ops(1, How::disk_full);
    const auto written = write_durably(ops, folder / "a.json", "x");
    REQUIRE_FALSE(written.ok());
    CHECK(written.error().code == Errc::no_space);
    CHECK(written.error().message.find("a.json") != std::string::npos);
    CHECK(written.error().message.find("No space left on device") != std::string::npos);
}

TEST_CASE("A leftover part that is a second name of another file does not harm that file", "[store]") {
    TemporaryFolder folder;
    const auto ops = make_file_ops();
    write_file(folder / "precious", "precious");
    fs::create_hard_link(folder / "precious", folder / ".a.json.part");
    REQUIRE(write_durably(*ops, folder / "a.json", "new"));
    CHECK(read_file(folder / "precious") == "precious");
}

TEST_CASE("A file is linked where that is possible and copied where it is not", "[store]") {
    TemporaryFolder folder;
    FailingFileOps ops;
    fs::create_directories(folder / "one");
    fs::create_directories(folder / "two");
    write_file(folder / "one/a", "content");

    REQUIRE(link_or_copy_file(ops, folder / "one/a", folder / "two/linked"));
    CHECK(fs::hard_link_count(folder / "one/a") == 2);
    ops.set_file_systems({folder / "one", folder / "two"});
    REQUIRE(link_or_copy_file(ops, folder / "one/a", folder / "two/copied"));
    CHECK(fs::hard_link_count(folder / "one/a") == 2);
    CHECK(read_file(folder / "two/copied") == "content");

    const auto again = link_or_copy_file(ops, folder / "one/a", folder / "two/copied");
    REQUIRE_FALSE(again.ok());
    CHECK(again.error().code == Errc::already_exists);
    CHECK(read_file(folder / "two/copied") == "content");
}

TEST_CASE("A folder is not moved over another one, not even an empty one", "[store]") {
    TemporaryFolder folder;
    const auto ops = make_file_ops();
    fs::create_directories(folder / "a");
    fs::create_directories(folder / "b");
    const auto moved = move_folder(*ops, folder / "a", folder / "b");
    REQUIRE_FALSE(moved.ok());
    CHECK(moved.error().code == Errc::already_exists);
}

TEST_CASE("Removing a folder follows no symbolic link, and is fine when there is none", "[store]") {
    TemporaryFolder folder;
    const auto ops = make_file_ops();
    fs::create_directories(folder / "kept");
    write_file(folder / "kept/file", "kept");
    fs::create_directories(folder / "gone/inner");
    write_file(folder / "gone/inner/file", "x");
    fs::create_directory_symlink(folder / "kept", folder / "gone/link");

    REQUIRE(remove_folder_tree(*ops, folder / "gone"));
    CHECK_FALSE(fs::exists(folder / "gone"));
    CHECK(read_file(folder / "kept/file") == "kept");
    CHECK(remove_folder_tree(*ops, folder / "gone").ok());
}

TEST_CASE("A folder whose removal fails at any call is gone for its readers or whole", "[store][faults]") {
    const auto how = GENERATE(How::once, How::crash);
    for_every_failure(how, [](FailingFileOps& ops) {
        TemporaryFolder folder;
        fs::create_directories(folder / "task/in");
        write_file(folder / "task/1.dcm", "1");
        write_file(folder / "task/in/2.dcm", "2");
        try {
            (void)remove_folder_tree(ops, folder / "task");
        } catch (const SimulatedCrash&) {
        }
        if (fs::exists(folder / "task")) {
            CHECK(fs::exists(folder / "task/1.dcm"));
            CHECK(fs::exists(folder / "task/in/2.dcm"));
        }
        ops.heal();
        REQUIRE(remove_folder_tree(ops, folder / "task"));
        REQUIRE(remove_folder_tree(ops, folder / ".removing-task"));
        CHECK(fs::is_empty(folder.path()));
    });
}

TEST_CASE("Folders are made with all that are missing above them", "[store]") {
    TemporaryFolder folder;
    const auto ops = make_file_ops();
    REQUIRE(make_folders(*ops, folder / "a/b/c"));
    CHECK(fs::is_directory(folder / "a/b/c"));
    CHECK(make_folders(*ops, folder / "a/b/c").ok());
    write_file(folder / "file", "");
    CHECK_FALSE(make_folders(*ops, folder / "file/below").ok());
}

TEST_CASE("A text file is read whole, up to its limit", "[store]") {
    TemporaryFolder folder;
    write_file(folder / "a", std::string(200'000, 'x'));
    CHECK(read_text_file(folder / "a")->size() == 200'000);
    CHECK(read_text_file(folder / "a", 1000).error().code == Errc::invalid);
    CHECK(read_text_file(folder / "none").error().code == Errc::not_found);
    CHECK(read_text_file(folder.path()).error().code == Errc::invalid);
}

TEST_CASE("A folder is linked with all in it, but for symbolic links", "[store]") {
    FoldersFixture f;
    write_file(f.root / "from/1.txt", "one");
    write_file(f.root / "from/deep/2.txt", "two");
    fs::create_directory(f.root / "from/empty");
    fs::create_symlink("/etc/passwd", f.root / "from/deep/link");
    REQUIRE(link_or_copy(f.working_ops, f.root / "from", f.root / "to"));
    CHECK(fs::hard_link_count(f.root / "to/deep/2.txt") == 2);
    CHECK(read_file(f.root / "to/1.txt") == "one");
    CHECK(fs::is_directory(f.root / "to/empty"));
    CHECK_FALSE(fs::exists(fs::symlink_status(f.root / "to/deep/link")));
    CHECK(link_or_copy(f.working_ops, f.root / "from", f.root / "to").error().code == Errc::already_exists);
    CHECK(link_or_copy(f.working_ops, f.root / "gone", f.root / "other").error().code == Errc::not_found);
}
