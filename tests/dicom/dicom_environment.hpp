#pragma once

#include "quicksilver/core/log.hpp"

namespace quicksilver::test {

/// Sets up DCMTK once for the whole test process. Every test that touches DICOM calls it first.
void require_dicom();

/// A log for objects under test that nobody reads.
Log silent_log();

}  // namespace quicksilver::test
