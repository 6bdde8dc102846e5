#pragma once

#include "quicksilver/store/database.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

/// What the bookkeeper's database says in numbers. Never writes. Throws DatabaseError. One thread at a time.
/// Times are RFC 3339; `from` counts, `to` does not.
class Statistics {
public:
    explicit Statistics(database::Connection& connection) : connection_(connection) {}

    struct Window {
        std::string from, to;
        std::int64_t from_s = 0;  ///< `from` as seconds since 1970
        std::int64_t step_s = 3600;
    };
    enum class SeriesMetric { series, instances, bytes, failed };
    enum class SeriesGroup { none, modality, rule };

    struct Value {
        std::int64_t step = 0;  ///< which one, from 0
        std::string key;        ///< "" without a group
        double value = 0;
    };
    /// Of the series that began to arrive in each step.
    std::vector<Value> series(SeriesMetric metric, SeriesGroup group, const Window& window);
    /// Deliveries that were completed, or attempts that failed, by target.
    std::vector<Value> deliveries(bool failed, bool by_target, const Window& window);

    struct Latency {
        std::string key;
        double seconds = 0;
    };
    /// From the first instance to the end, of series that are done; by the rules that triggered, or all under "".
    std::vector<Latency> latencies(bool by_rule, const Window& window, std::size_t limit);

    struct Source {
        std::string calling_ae, address, called_ae;
        std::string model, serial, station;  ///< of the device, as its last series says
        std::string first_seen, last_seen;
        std::uint64_t series = 0, instances = 0, bytes = 0;
        std::string modalities;  ///< ", " between them
    };
    /// Who has sent series since then, of the newest ones; last seen first.
    std::vector<Source> sources(std::string_view since);
    struct Arrival {
        std::string calling_ae, address, time;
    };
    /// When series came since then, of the newest ones, the oldest first.
    std::vector<Arrival> arrivals(std::string_view since);
    struct Rejection {
        std::string time, description;
        std::string address, reason, calling_ae, called_ae;  ///< "" where the description does not say
    };
    /// Associations that were rejected, newest first.
    std::vector<Rejection> rejections(std::string_view since, std::size_t limit);

    struct ModuleRuns {
        std::uint64_t runs = 0, failures = 0;  ///< of those that have begun since then
        std::optional<double> median_s;        ///< of those that ended well
        std::string last_run_at;
    };
    /// By module. Since then, of at most `rows_max` events.
    std::map<std::string, ModuleRuns> module_runs(std::string_view since);

    struct RuleMatches {
        std::uint64_t matches = 0;  ///< series that began to arrive since then
        std::string last_match_at;  ///< "" when none of the newest `matched_series_max` was one
    };
    /// By rule, of these.
    std::map<std::string, RuleMatches> rule_matches(const std::vector<std::string>& rules, std::string_view since);

    /// How many series have failed since then, by the stage in which they did: route, process, dispatch; of at most
    /// `rows_max`. Associations that were rejected are those of receive.
    std::map<std::string, std::uint64_t> failures(std::string_view since);

    struct Ended {
        std::string series_uid, since;
    };
    /// Series that have ended since then and whose files are to be removed in time, the oldest first.
    std::vector<Ended> ended(std::string_view since, std::size_t limit);

    static constexpr std::int64_t rows_max = 100'000;
    static constexpr std::int64_t matched_series_max = 50'000;
    static constexpr std::int64_t source_series_max = 20'000;

private:
    void read_device(Source& source);
    database::Connection& connection_;
};

}  // namespace quicksilver
