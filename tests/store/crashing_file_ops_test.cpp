#include "quicksilver/store/crashing_file_ops.hpp"

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <sys/wait.h>
#include <unistd.h>

using namespace quicksilver;

namespace {

/// The exit status of a process that makes three folders.
int make_three(const std::filesystem::path& root, unsigned crash_at) {
    const pid_t child = ::fork();
    if (child == 0) {
        const auto ops = make_crashing_file_ops(make_file_ops(), crash_at);
        bool ok = true;
        for (const char* name : {"1", "2", "3"}) ok = ops->make_folder(root / name).ok() && ok;
        ::_exit(ok ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("The process ends before the call that is named, and not when there are fewer", "[store][crash]") {
    for (unsigned at = 1; at <= 4; ++at) {
        test::TemporaryFolder root;
        CHECK(make_three(root.path(), at) == (at <= 3 ? 137 : 0));
        CHECK(std::distance(std::filesystem::directory_iterator(root.path()), {}) == std::min(at - 1, 3U));
    }
}

TEST_CASE("A crash point is a number from 1", "[store][crash]") {
    CHECK(parse_crash_point("17") == 17U);
    for (const char* text : {"", "0", "-1", "1x", "x"}) CHECK_FALSE(parse_crash_point(text));
}
