#include "quicksilver/pipeline/targets/commitment_reports.hpp"

#include "support/catch.hpp"

using namespace quicksilver;
using Key = CommitmentReports::Key;

namespace {

dicom::CommitmentReport report_of(const std::string& transaction_uid) {
    return dicom::CommitmentReport{transaction_uid, {"1.2.3.4"}, {}};
}

}  // namespace

TEST_CASE("A report reaches the delivery that asked, once, and tells of itself", "[pipeline][commitment]") {
    CommitmentReports reports;
    std::vector<Key> told;
    reports.on_report([&](const Key& delivery) { told.push_back(delivery); });
    const Key a{"task", "a"}, b{"task", "b"};
    reports.expect(a, "1.1");
    reports.expect(b, "1.2");
    CHECK_FALSE(reports.has_come(a));
    CHECK(reports.take_in(report_of("1.2")));
    CHECK(reports.has_come(b));
    CHECK_FALSE(reports.has_come(a));
    CHECK(told == std::vector<Key>({b}));
    CHECK(reports.collect(b)->transaction_uid == "1.2");
    CHECK_FALSE(reports.collect(b));
    CHECK_FALSE(reports.collect(a));
}

TEST_CASE("A report that nobody asked for, or for an earlier question, is nobody's", "[pipeline][commitment]") {
    CommitmentReports reports;
    CHECK_FALSE(reports.take_in(report_of("9.9")));
    const Key key{"task", "a"};
    reports.expect(key, "1.1");
    reports.expect(key, "1.2");
    CHECK_FALSE(reports.take_in(report_of("1.1")));
    CHECK(reports.take_in(report_of("1.2")));
}

TEST_CASE("Questions that nobody comes back for are forgotten, the oldest first", "[pipeline][commitment]") {
    CommitmentReports reports;
    for (std::size_t i = 0; i <= CommitmentReports::waiting_max; ++i) {
        reports.expect(Key{"task" + std::to_string(i), "a"}, "1." + std::to_string(i));
    }
    CHECK_FALSE(reports.take_in(report_of("1.0")));
    CHECK(reports.take_in(report_of("1.1")));
    CHECK(reports.take_in(report_of("1." + std::to_string(CommitmentReports::waiting_max))));
}
