#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace quicksilver::dicom {

/// Who a person or a UID becomes. Made from a keyed hash alone, so the same key gives the same answers in every series
/// and after every restart, and without it nobody finds the way back. Pure; any thread.
class Pseudonyms {
public:
    using Digest = std::array<std::uint8_t, 32>;
    /// A keyed hash of `text`; another one for each purpose.
    using KeyedHash = std::function<Digest(std::string_view purpose, std::string_view text)>;

    explicit Pseudonyms(KeyedHash hash, std::string prefix = "ANON-");

    /// Below 2.25, from 128 bits of the hash. UIDs of the standard itself are nobody's and stay.
    std::string uid(std::string_view original) const;
    /// For PatientID and PatientName: the prefix and 16 letters and digits.
    std::string patient(std::string_view identity) const;
    /// By how many days the patient's dates go back: 1 to `days_max`.
    int days_back(std::string_view identity, int days_max) const;
    /// Letters and digits that stand for a name of anything else.
    std::string name(std::string_view original) const;

private:
    const KeyedHash hash_;
    const std::string prefix_;
};

}  // namespace quicksilver::dicom
