#include "pipeline/runners/module_files.hpp"

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>

using namespace quicksilver;
namespace fs = std::filesystem;

namespace {

mode_t mode_of(const fs::path& path) {
    struct stat status {};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status.st_mode & 0777U;
}

uid_t owner_of(const fs::path& path) {
    struct stat status {};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status.st_uid;
}

struct Folders {
    test::TemporaryFolder root;
    fs::path in = root / "in", out = root / "out";
    Folders() {
        fs::create_directory(in);
        fs::create_directory(out);
    }
};

constexpr uid_t somebody = 65534;

}  // namespace

TEST_CASE("Inputs may be changed, unless others share them", "[pipeline][runners]") {
    Folders f;
    test::write_file(f.in / "own.dcm", "x");
    test::write_file(f.root / "original.dcm", "x");
    fs::create_hard_link(f.root / "original.dcm", f.in / "shared.dcm");
    REQUIRE(open_to_module(f.in, f.out));
    CHECK(mode_of(f.in) == 0777);
    CHECK(mode_of(f.out) == 0777);
    CHECK(mode_of(f.in / "own.dcm") == 0666);
    CHECK(mode_of(f.in / "shared.dcm") == 0444);
}

TEST_CASE("Outputs belong to us afterwards, and links and pipes are gone", "[pipeline][runners]") {
    Folders f;
    fs::create_directory(f.out / "sub");
    test::write_file(f.out / "sub" / "a.txt", "a");
    fs::create_symlink("/etc/passwd", f.out / "link");
    REQUIRE(::mkfifo((f.out / "pipe").c_str(), 0600) == 0);
    const auto removed = take_over_outputs(f.out);
    REQUIRE(removed);
    CHECK(removed->size() == 2);
    CHECK(mode_of(f.out / "sub") == 0755);
    CHECK(mode_of(f.out / "sub" / "a.txt") == 0644);
    CHECK_FALSE(fs::exists(fs::symlink_status(f.out / "link")));
    CHECK_FALSE(fs::exists(f.out / "pipe"));
}

TEST_CASE("A module decides neither what was sent nor what is locked", "[pipeline][runners]") {
    Folders f;
    for (const char* name : {"sent.log", ".error", ".lock/x", "a.dcm", "masks/.keep"})
        test::write_file(f.out / name, "x");
    const auto removed = take_over_outputs(f.out);
    REQUIRE(removed);
    CHECK(removed->size() == 3);
    CHECK(fs::exists(f.out / "a.dcm"));
    CHECK(fs::exists(f.out / "masks" / ".keep"));
    for (const char* name : {"sent.log", ".error", ".lock"}) CHECK_FALSE(fs::exists(f.out / name));
}

TEST_CASE("What root wrote into the folder of a server that is not root is taken over", "[pipeline][runners]") {
    if (::geteuid() != 0) return;  // only root can play both
    Folders f;
    for (const fs::path& path : {f.root.path(), f.in, f.out}) REQUIRE(::chown(path.c_str(), somebody, somebody) == 0);
    REQUIRE(::seteuid(somebody) == 0);
    const auto opened = open_to_module(f.in, f.out);
    REQUIRE(::seteuid(0) == 0);
    REQUIRE(opened);

    const mode_t before = ::umask(0077);
    test::write_file(f.out / "image.dcm", "image");
    fs::create_directory(f.out / "sub");
    test::write_file(f.out / "sub" / "a.txt", "a");
    ::umask(before);

    REQUIRE(::seteuid(somebody) == 0);
    const auto taken = take_over_outputs(f.out);
    REQUIRE(::seteuid(0) == 0);
    INFO((taken ? "" : taken.error().message));
    REQUIRE(taken);
    for (const char* name : {"image.dcm", "sub", "sub/a.txt"}) {
        CAPTURE(name);
        CHECK(owner_of(f.out / name) == somebody);
    }
    CHECK(test::read_file(f.out / "sub" / "a.txt") == "a");
    CHECK(mode_of(f.out / "image.dcm") == 0644);
}
