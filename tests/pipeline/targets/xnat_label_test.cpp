#include "pipeline/targets/xnat_label.hpp"

#include "support/catch.hpp"

using namespace quicksilver;

TEST_CASE("A session of XNAT is named after patient and date", "[pipeline][targets][xnat]") {
    struct Case {
        const char *patient, *date, *uid, *label;
    };
    const Case cases[] = {
        {"P1", "20260131", "1.2.3", "P1_2026-01-31"},
        {"P 1/2^x", "20260131", "1.2.3", "P_1_2_x_2026-01-31"},
        {"P1", "", "1.2.3", "P1_1_2_3"},
        {"P1", "2026.01.31", "1.2.840.113619.2.55.123456", "P1__2_55_123456"},
        {"P1", "MISSING1", "", "P1_"},
        {"", "20260131", "1.2.3", "unknown_2026-01-31"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.patient, c.date, c.uid);
        CHECK(xnat_session_label(c.patient, c.date, c.uid) == c.label);
    }
    CHECK(xnat_label("") == "unknown");
    CHECK(xnat_label("ä") == "__");
}
