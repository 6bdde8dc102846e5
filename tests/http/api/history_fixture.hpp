#pragma once

#include "http/api/api_fixture.hpp"

#include <fmt/format.h>

namespace quicksilver::test {

/// The interface over a history of series that the test writes.
struct HistoryApi : ApiFixture {
    std::pair<std::string, std::string> with_patients = full_token(Role::admin, true);
    std::pair<std::string, std::string> without_patients = full_token(Role::admin, false);

    /// A series of number `n`, received `n` seconds after the first.
    void add_series(int n, const std::string& modality = "CT",
                    journal::SeriesStage state = journal::SeriesStage::done) {
        const WallTime time = WallTime(std::chrono::seconds(1'790'000'000 + n));
        const std::string uid = uid_of(n);
        journal::SeriesRegistered registered{time, uid, {}};
        registered.tags.add("SeriesInstanceUID", uid);
        registered.tags.add("StudyInstanceUID", fmt::format("9.{}", n / 2));
        registered.tags.add("Modality", modality);
        registered.tags.add("PatientName", fmt::format("Doe^Jane {}", n));
        registered.tags.add("PatientID", fmt::format("MRN-{}", n));
        registered.tags.add("AccessionNumber", fmt::format("ACC-{}", n));
        registered.tags.add("SeriesDescription", fmt::format("Chest_{}%", n));
        journal::SeriesState at{time, uid, state, "sent", "ct, other", fmt::format("task-{}", n), 3, 1000};
        const auto written = journal->write({registered, at});
        if (!written) throw std::runtime_error(written.error().message);
    }
    static std::string uid_of(int n) { return fmt::format("1.2.{:04}", n); }

    ApiAnswer get(const std::string& target) { return call("GET", target, nullptr, {with_patients}); }
    ApiAnswer get_masked(const std::string& target) { return call("GET", target, nullptr, {without_patients}); }
};

}  // namespace quicksilver::test
