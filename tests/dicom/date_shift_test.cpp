#include "dicom/date_shift.hpp"

#include "support/catch.hpp"

using quicksilver::dicom::shift_dates;

TEST_CASE("Dates go back by whole days, and times stay", "[dicom][deidentify]") {
    const auto [values, shifted] = GENERATE(table<std::string, std::string>({
        {"20240301", "20240229"},
        {"20240101 ", "20231231"},
        {"20240301123000.5+0100", "20240229123000.5+0100"},
        {"20240301\\20240302", "20240229\\20240301"},
        {"2024.03.01", "20240229"},
        {"", ""},
        {"2024", ""},       // a year has no day before
        {"20241332", ""},   // no date
        {"yesterday", ""},  // none either
    }));
    CAPTURE(values);
    CHECK(shift_dates(values, 1) == shifted);
}
