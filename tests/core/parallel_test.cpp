#include "quicksilver/core/parallel.hpp"

#include "support/catch.hpp"

#include <atomic>
#include <barrier>
#include <stdexcept>
#include <vector>

using namespace quicksilver;

TEST_CASE("Every number is worked on once, whatever the number of threads", "[core][parallel]") {
    for (const unsigned threads : {0U, 1U, 3U, 64U}) {
        std::vector<std::atomic<int>> done(50);
        const auto all = run_parallel(done.size(), threads, [&](std::size_t at) {
            ++done[at];
            return Result<void>();
        });
        CHECK(all.ok());
        for (const auto& times : done) CHECK(times == 1);
    }
    CHECK(run_parallel(0, 4, [](std::size_t) { return Result<void>(Error{Errc::io, "called"}); }).ok());
}

TEST_CASE("As many threads work at once as were asked for", "[core][parallel]") {
    std::barrier together(3);  // never lets anybody pass unless three are there
    CHECK(run_parallel(3, 3, [&](std::size_t) {
              together.arrive_and_wait();
              return Result<void>();
          }).ok());
}

TEST_CASE("The first failure is returned and nothing new is begun after it", "[core][parallel]") {
    std::atomic<int> calls{0};
    const auto failed = run_parallel(1000, 1, [&](std::size_t at) {
        ++calls;
        return at == 3 ? Result<void>(Error{Errc::no_space, "full"}) : Result<void>();
    });
    REQUIRE_FALSE(failed.ok());
    CHECK(failed.error().code == Errc::no_space);
    CHECK(calls == 4);
}

TEST_CASE("What is thrown on a helper reaches the caller", "[core][parallel]") {
    std::barrier together(2);
    const auto work = [&](std::size_t) -> Result<void> {
        together.arrive_and_wait();
        throw std::runtime_error("broken");
    };
    CHECK_THROWS_WITH(run_parallel(2, 2, work), "broken");
}
