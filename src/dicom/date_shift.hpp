#pragma once

#include <string>
#include <string_view>

namespace quicksilver::dicom {

/// DA and DT values (PS3.5 §6.2), several joined by `\`, `days` earlier. Times and zones stay. What is no date, or has
/// no day (a DT of a year or month), becomes empty, as no one knows what it tells.
std::string shift_dates(std::string_view values, int days_back);

}  // namespace quicksilver::dicom
