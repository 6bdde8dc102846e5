#include "pipeline/targets/run_program.hpp"

#include "support/catch.hpp"

#include <thread>

using namespace quicksilver;
using namespace std::chrono_literals;

namespace {

ProgramCall shell(std::string script) {
    return ProgramCall{{"sh", "-c", std::move(script)}, {}, 30s};
}

const StopFlag go_on{false};

}  // namespace

TEST_CASE("A program's output and status come back", "[pipeline][targets]") {
    const auto done = run_program(shell("echo out; echo err >&2; exit 3"), go_on);
    REQUIRE(done.ok());
    CHECK(done->status == 3);
    CHECK(done->output == "out\nerr\n");
}

TEST_CASE("A program sees its own environment besides ours, and none of our descriptors", "[pipeline][targets]") {
    ProgramCall call = shell("printf %s \"$GREETING\"; test -n \"$PATH\" && ls /proc/self/fd | wc -l");
    call.environment["GREETING"] = "good morning";
    const auto done = run_program(call, go_on);
    REQUIRE(done.ok());
    CHECK(done->output.starts_with("good morning"));
    CHECK(std::stoi(done->output.substr(12)) <= 5);
}

TEST_CASE("A program that does not exist is named", "[pipeline][targets]") {
    const auto done = run_program(ProgramCall{{"no-such-program-anywhere"}, {}, 30s}, go_on);
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().code == Errc::not_found);
    CHECK(done.error().message.find("no-such-program-anywhere") != std::string::npos);
}

TEST_CASE("A silent program is ended with its children", "[pipeline][targets]") {
    ProgramCall call = shell("sleep 600 & sleep 600");
    call.silence = 1s;
    const auto done = run_program(call, go_on);
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().code == Errc::timed_out);
}

TEST_CASE("A program ends when it is no longer wanted, even if it will not", "[pipeline][targets]") {
    StopFlag stop{false};
    std::thread person([&stop] { stop = true; });
    const auto done = run_program(shell("trap '' TERM; while :; do sleep 1; done"), stop);
    person.join();
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().code == Errc::cancelled);
}

TEST_CASE("Of a talkative program the end is kept", "[pipeline][targets]") {
    const auto done = run_program(shell("yes | head -c 100000; echo the end"), go_on);
    REQUIRE(done.ok());
    CHECK(done->output.size() == program_output_max);
    CHECK(done->output.ends_with("the end\n"));
}
