#include "quicksilver/pipeline/module_log.hpp"

#include "support/catch.hpp"

using namespace quicksilver;

TEST_CASE("Output is given once, in order", "[pipeline][module_log]") {
    ModuleLog log;
    log.add("one\n");
    log.add("two\n");
    CHECK(log.take() == "one\ntwo\n");
    CHECK(log.take().empty());
    log.add("three\n");
    CHECK(log.finish() == "three\n");
}

TEST_CASE("Of a flood the beginning and the end are kept, and what is missing is said", "[pipeline][module_log]") {
    ModuleLog log;
    const std::string line = std::string(99, 'x') + "\n";
    for (std::size_t sent = 0; sent < 2 * ModuleLog::kept_max; sent += line.size()) log.add(line);
    log.add("the end\n");
    CHECK(log.take().size() == ModuleLog::kept_max);
    const std::string rest = log.finish();
    CHECK(rest.find("bytes of output were left out here") != std::string::npos);
    CHECK(rest.ends_with("the end\n"));
    CHECK(rest.size() < 3 * ModuleLog::tail_max);
    CHECK(log.left_out() > 0);
}

TEST_CASE("Output just beyond the limit is kept whole", "[pipeline][module_log]") {
    ModuleLog log;
    log.add(std::string(ModuleLog::kept_max, 'a'));
    log.add("b\n");
    CHECK(log.take().size() == ModuleLog::kept_max);
    CHECK(log.finish() == "b\n");
}
