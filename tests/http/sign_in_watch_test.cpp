#include "quicksilver/http/sign_in_watch.hpp"

#include "support/catch.hpp"

using namespace quicksilver;
using namespace std::chrono_literals;

namespace {

const SteadyTime start{std::chrono::hours(1000)};

}  // namespace

TEST_CASE("Slowed sign-ins are a problem for an hour, named by where they come from", "[http][sign_in]") {
    SignInWatch watch;
    CHECK(watch.problem(start).empty());
    watch.slowed("10.0.0.1", start);
    const std::string one = watch.problem(start);
    CHECK(one.find("from 10.0.0.1.") != std::string::npos);
    watch.slowed("10.0.0.1", start + 10min);
    CHECK(watch.problem(start + 10min) == one);  // so that it stays acknowledged
    for (int i = 2; i <= 6; ++i) watch.slowed("10.0.0." + std::to_string(i), start + 30min);
    CHECK(watch.problem(start + 69min).find("10.0.0.1, 10.0.0.2, 10.0.0.3 and 3 more.") != std::string::npos);
    CHECK(watch.problem(start + 70min).find("10.0.0.2, 10.0.0.3, 10.0.0.4 and 2 more.") != std::string::npos);
    CHECK(watch.problem(start + 90min).empty());
}

TEST_CASE("Ever new addresses do not fill the memory", "[http][sign_in]") {
    SignInWatch watch;
    for (int i = 0; i < 3000; ++i) watch.slowed(std::to_string(i), start);
    CHECK(watch.problem(start).find("and 997 more") != std::string::npos);
}
