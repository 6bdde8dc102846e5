#pragma once

#include "quicksilver/dicom/startup.hpp"

#include <stdexcept>

namespace quicksilver::test {

/// Sets up DCMTK once for the whole test process.
inline void require_dictionary() {
    static const auto startup = dicom::Startup::begin(Log(make_silent_log(), "dcmtk"));
    if (!startup) throw std::runtime_error(startup.error().message);
}

}  // namespace quicksilver::test
