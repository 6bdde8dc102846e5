#pragma once

#include "quicksilver/dicom/file_meta.hpp"

#include <xxhash.h>

#include <span>

namespace quicksilver::dicom {

/// The running checksum of a data set.
class DataSetHash {
public:
    DataSetHash() : state_(XXH3_createState()) { reset(); }
    ~DataSetHash() { XXH3_freeState(state_); }
    DataSetHash(const DataSetHash&) = delete;
    DataSetHash& operator=(const DataSetHash&) = delete;

    void reset() {
        bytes_ = 0;
        XXH3_64bits_reset(state_);
    }
    void add(std::span<const std::byte> bytes) {
        bytes_ += bytes.size();
        XXH3_64bits_update(state_, bytes.data(), bytes.size());
    }
    DataSetChecksum checksum() const { return DataSetChecksum{bytes_, XXH3_64bits_digest(state_)}; }

private:
    XXH3_state_t* state_;
    std::uint64_t bytes_ = 0;
};

}  // namespace quicksilver::dicom
