#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/store/database.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quicksilver {

/// Which series a list shows; an empty text means any.
struct SeriesFilter {
    std::string state, modality, rule, study_uid;
    std::string target;  ///< with a delivery to it, tried or done
    std::string module;  ///< with a run of it, begun or done
    std::string stage;   ///< receive, route, collect, process, dispatch: there now, or failed there
    std::optional<std::pair<std::string, std::string>> source;  ///< calling AE title and address of who sent it
    std::optional<std::vector<std::string>> among;              ///< only these UIDs
    std::string since, until;                                   ///< RFC 3339, of the first instance
    std::string search;                                         ///< part of a description or UID …
    bool search_patients = false;                               ///< … or of name, patient id or accession number
    bool failed_only = false;
    std::size_t limit = 50;
    bool oldest_first = false;
    /// Where the page before ended: first_seen and UID of its last series …
    std::optional<std::pair<std::string, std::string>> after;
    bool backwards = false;  ///< … or, where the page behind begins: of its first series
};

struct SeriesItem {
    std::string series_uid, study_uid;
    std::string state, since, first_seen, outcome, rules, task_id;
    std::uint64_t instances = 0, bytes = 0;
    std::string modality, series_description, study_description, station, body_part;
    std::string patient_name, patient_id, birth_date, sex, accession;  ///< patient data
};

/// A count that stops where counting on would cost too much.
struct BoundedCount {
    std::uint64_t value = 0;
    bool exact = true;
};

struct TaskItem {
    std::string id, parent_id, time, series_uid, study_uid;
    std::string task_json;  ///< "" when it is not known
};

struct TaskFilter {
    std::string series_uid, rule;
    std::size_t limit = 50;
    bool oldest_first = false;
    std::optional<std::pair<std::string, std::string>> after;  ///< time and id, as in SeriesFilter
    bool backwards = false;
};

struct EventItem {
    std::int64_t id = 0;
    std::string time, task_id, sender, event, target, info;
    std::uint64_t file_count = 0;
};

struct DecisionItem {
    std::string time, task_id, decision_json;
};

/// A part of what a module said, or the file where it lies.
struct ModuleLogPart {
    std::string module, time, text, file;
};

/// How far somebody has read what a module says: the run, and the part of it with the bytes that are known of that.
struct ModuleLogPlace {
    std::string run;
    std::int64_t part = 0;
    std::uint64_t offset = 0;

    bool operator==(const ModuleLogPlace&) const = default;
};

/// What has been said after a place.
struct ModuleLogNews {
    std::string text;
    std::string file;       ///< instead of `text`: where it lies; `offset` counts in it
    ModuleLogPlace next;    ///< behind `text`
    bool is_anew = false;   ///< another run than the place was in, or the same one told from its beginning
    bool is_known = false;  ///< something is kept of this step, whether it is new or not
};

struct ModuleOutput {
    std::string module, time, output;  ///< JSON
};

struct TagSet {
    std::string series_uid;
    std::string tags_json;
    std::string rules;  ///< that triggered then, ", " between them
};

/// The questions that the interface asks of the bookkeeper's database. Never writes, never waits for the writer.
/// Throws DatabaseError. One thread at a time.
class History {
public:
    explicit History(database::Connection& connection) : connection_(connection) {}

    static constexpr std::uint64_t counted_max = 10'000;

    /// By first instance, newest first unless the filter says otherwise. Of a page that is gone back to, the items
    /// nearest to the place.
    std::vector<SeriesItem> series(const SeriesFilter& filter);
    BoundedCount count_series(const SeriesFilter& filter);
    std::optional<SeriesItem> find_series(std::string_view series_uid);
    /// The tags that its rules saw, as a JSON object; "" when it has not been routed.
    std::string tags(std::string_view series_uid);
    std::vector<DecisionItem> decisions(std::string_view series_uid);
    /// Its own, and those of studies that it is part of.
    std::vector<TaskItem> tasks_of_series(std::string_view series_uid);
    std::vector<TaskItem> tasks(const TaskFilter& filter);
    BoundedCount count_tasks(const TaskFilter& filter);
    std::optional<TaskItem> find_task(std::string_view id);
    /// Of the task and those that it made, in the order they happened; at most 10,000.
    std::vector<EventItem> events_of_task(std::string_view task_id);
    /// What the module of this step of the task said when it ran last, in order; none when nothing was kept.
    std::vector<ModuleLogPart> module_log(std::string_view task_id, std::int64_t step);
    /// What it said after that place, some of it at a time: "" when nothing has come since. Of runs of our own.
    ModuleLogNews module_log_after(std::string_view task_id, std::int64_t step, ModuleLogPlace place);
    /// What it gave back last.
    std::optional<ModuleOutput> module_output(std::string_view task_id, std::int64_t step);
    /// Of all tasks of the series.
    std::vector<EventItem> events_of_series(std::string_view series_uid);
    /// Deliveries to this target since then, as they were tried: begins, ends and errors.
    std::vector<EventItem> events_of_target(std::string_view target, const std::string& since);
    /// The newest routed series since then, at most `limit`; `visit` gets one after the other.
    void for_each_tag_set(const std::string& since, std::size_t limit, const std::function<void(const TagSet&)>& visit);

    /// For other questions of the same thread.
    database::Connection& connection() const { return connection_; }

private:
    database::Connection& connection_;
};

/// Lends read-only connections to the bookkeeper's database, one to each thread that asks. Any thread.
class HistoryConnections {
public:
    explicit HistoryConnections(std::filesystem::path file) : file_(std::move(file)) {}

    /// Runs `question` on a connection that nobody else uses meanwhile. A connection that failed, and one to a file
    /// that was replaced, is not used again.
    template <class Question>
    auto ask(Question question) {
        Lent lent = lend();
        History history(*lent.connection);
        auto answer = question(history);
        give_back(std::move(lent));
        return answer;
    }

private:
    struct Lent {
        std::unique_ptr<database::Connection> connection;
        std::uint64_t inode = 0;
    };
    Lent lend();
    void give_back(Lent lent);

    const std::filesystem::path file_;
    std::mutex mutex_;  // guards idle_
    std::vector<Lent> idle_;
};

}  // namespace quicksilver
