#include "quicksilver/pipeline/targets/target_test.hpp"

#include "support/catch.hpp"

using namespace quicksilver;

namespace {

Result<std::string> fine() {
    return std::string("fine");
}
Result<std::string> broken() {
    return Error{Errc::timed_out, "no answer"};
}

}  // namespace

TEST_CASE("A test runs its steps in order and tells of each", "[pipeline][targets]") {
    const StopFlag stop{false};
    std::vector<std::string> seen;
    TargetTest test(TargetTest::Depth::full, stop, [&](const TestStep& step) { seen.push_back(step.name); });
    CHECK_FALSE(test.ok());
    CHECK(test.step("dns", fine));
    CHECK(test.step("tcp", fine, "never shown"));
    CHECK(test.ok());
    CHECK(test.summary() == "fine");
    CHECK(seen == std::vector<std::string>({"dns", "tcp"}));
    CHECK(test.steps()[1].hint.empty());
}

TEST_CASE("After a step that failed none follows, and the failure comes with its hint", "[pipeline][targets]") {
    const StopFlag stop{false};
    TargetTest test(TargetTest::Depth::full, stop);
    CHECK(test.step("dns", fine));
    CHECK_FALSE(test.step("tcp", broken, "look at the firewall"));
    CHECK_FALSE(test.step("echo", fine));
    CHECK(test.steps().size() == 2);
    CHECK_FALSE(test.ok());
    CHECK(test.code() == Errc::timed_out);
    CHECK(test.summary() == "no answer (look at the firewall)");
}

TEST_CASE("A test that is stopped begins no further step", "[pipeline][targets]") {
    const StopFlag stop{true};
    TargetTest test(TargetTest::Depth::reach, stop);
    CHECK_FALSE(test.is_full());
    bool ran = false;
    CHECK_FALSE(test.step("dns", [&ran]() -> Result<std::string> {
        ran = true;
        return fine();
    }));
    CHECK_FALSE(ran);
    CHECK(test.code() == Errc::cancelled);
}
