#include "quicksilver/store/file_ops.hpp"

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <cerrno>

using namespace quicksilver;
using namespace quicksilver::test;

namespace fs = std::filesystem;

TEST_CASE("A file is created only when its name is free", "[store]") {
    TemporaryFolder folder;
    const auto ops = make_file_ops();
    auto file = ops->create(folder / "a");
    REQUIRE(file.ok());
    REQUIRE(ops->write(*file, "hello world"));
    REQUIRE(ops->write_at(*file, "HELLO", 0));
    REQUIRE(ops->sync(*file));
    REQUIRE(ops->close(*file));
    CHECK_FALSE(file->is_open());
    CHECK(read_file(folder / "a") == "HELLO world");

    const auto again = ops->create(folder / "a");
    REQUIRE_FALSE(again.ok());
    CHECK(again.error().code == Errc::already_exists);
    fs::create_symlink(folder / "a", folder / "link");
    CHECK_FALSE(ops->create(folder / "link").ok());
}

TEST_CASE("Errors name the path and the reason", "[store]") {
    const auto ops = make_file_ops();
    const auto file = ops->create("/nonexistent/file");
    REQUIRE_FALSE(file.ok());
    CHECK(file.error().message == "cannot create /nonexistent/file: No such file or directory");
    CHECK(file.error().code == Errc::not_found);
}

TEST_CASE("Error numbers become the codes that callers choose by", "[store]") {
    CHECK(file_error("x", "p", ENOSPC).code == Errc::no_space);
    CHECK(file_error("x", "p", EDQUOT).code == Errc::no_space);
    CHECK(file_error("x", "p", ENOENT).code == Errc::not_found);
    CHECK(file_error("x", "p", EEXIST).code == Errc::already_exists);
    CHECK(file_error("x", "p", ENOTEMPTY).code == Errc::already_exists);
    CHECK(file_error("x", "p", EIO).code == Errc::io);
}

TEST_CASE("A device that is full is reported as such", "[store]") {
    const auto ops = make_file_ops();
    auto full = ops->open_append("/dev/full");
    REQUIRE(full.ok());
    const auto written = ops->write(*full, "x");
    REQUIRE_FALSE(written.ok());
    CHECK(written.error().code == Errc::no_space);
}

TEST_CASE("Removing what is not there is fine, removing a full folder is not", "[store]") {
    TemporaryFolder folder;
    const auto ops = make_file_ops();
    CHECK(ops->unlink(folder / "none").ok());
    CHECK(ops->remove_folder(folder / "none").ok());
    write_file(folder / "a/file", "");
    CHECK(ops->remove_folder(folder / "a").error().code == Errc::already_exists);
}

TEST_CASE("A link to another file system asks for a copy", "[store]") {
    TemporaryFolder folder;
    const auto ops = make_file_ops();
    write_file(folder / "a", "x");
    // /proc is never the same file system as a temporary folder.
    const auto linked = ops->link("/proc/self/status", folder / "b");
    REQUIRE(linked.ok());
    CHECK(*linked == Placed::needs_copy);
    const auto renamed = ops->rename(folder / "a", folder / "c");
    REQUIRE(renamed.ok());
    CHECK(*renamed == Placed::done);
}

TEST_CASE("An open file closes itself and can be moved", "[store]") {
    TemporaryFolder folder;
    const auto ops = make_file_ops();
    OpenFile kept;
    {
        auto file = ops->create(folder / "a");
        kept = std::move(*file);
        CHECK_FALSE(file->is_open());
    }
    CHECK(ops->write(kept, "x").ok());
    CHECK(kept.path() == folder / "a");
}
