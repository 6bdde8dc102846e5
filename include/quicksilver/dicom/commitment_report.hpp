#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace quicksilver::dicom {

/// What a peer says about one transaction of Storage Commitment (PS3.4 §J.3.3).
struct CommitmentReport {
    struct Failure {
        std::string sop_instance_uid;
        std::uint16_t reason = 0;  ///< FailureReason (PS3.3 §C.14.1.1), such as 0x0112: no such instance
    };
    std::string transaction_uid;
    std::vector<std::string> committed;  ///< SOP Instance UIDs
    std::vector<Failure> failed;
};

}  // namespace quicksilver::dicom
