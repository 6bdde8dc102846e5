#include "quicksilver/http/byte_range.hpp"

#include "support/catch.hpp"

using namespace quicksilver;

namespace {

struct Case {
    const char* header;
    std::uint64_t size;
    RangeVerdict verdict;
    ByteRange range;
};

}  // namespace

TEST_CASE("Ranges are read as RFC 9110 says", "[http][range]") {
    const auto one = GENERATE(
        Case{"", 100, RangeVerdict::whole, {}}, Case{"bytes=0-9", 100, RangeVerdict::part, {0, 9}},
        Case{"bytes=90-", 100, RangeVerdict::part, {90, 99}}, Case{"bytes=90-1000", 100, RangeVerdict::part, {90, 99}},
        Case{"bytes=-10", 100, RangeVerdict::part, {90, 99}}, Case{"bytes=-1000", 100, RangeVerdict::part, {0, 99}},
        Case{"bytes=100-", 100, RangeVerdict::unsatisfiable, {}},
        Case{"bytes=-0", 100, RangeVerdict::unsatisfiable, {}}, Case{"bytes=0-", 0, RangeVerdict::unsatisfiable, {}},
        Case{"bytes=9-5", 100, RangeVerdict::whole, {}}, Case{"bytes=0-1,5-6", 100, RangeVerdict::whole, {}},
        Case{"bytes=x-9", 100, RangeVerdict::whole, {}}, Case{"bytes=-", 100, RangeVerdict::whole, {}},
        Case{"bytes=5", 100, RangeVerdict::whole, {}}, Case{"items=0-9", 100, RangeVerdict::whole, {}},
        Case{"bytes=99999999999999999999-", 100, RangeVerdict::whole, {}});
    INFO(one.header);
    const RequestedRange read = parse_range(one.header, one.size);
    CHECK(read.verdict == one.verdict);
    CHECK(read.range == one.range);
}
