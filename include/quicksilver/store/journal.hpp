#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/core/result.hpp"
#include "quicksilver/core/tags.hpp"
#include "quicksilver/store/events.hpp"
#include "quicksilver/store/history_pruning.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace quicksilver {

/// One fact for the bookkeeper. The caller fills `time` when it happened, not when it is written.
namespace journal {

struct MercureEvent {
    WallTime time;
    std::string sender;  ///< as mercure: "router.main"
    MercureEventType event = MercureEventType::unknown;
    Severity severity = Severity::info;
    std::string description;
};

struct WebguiEvent {
    WallTime time;
    std::string sender;
    WebguiEventType event = WebguiEventType::unknown;
    std::string user;
    std::string description;
};

struct DicomFile {
    WallTime time;
    std::string filename;
    std::string file_uid;  ///< SOPInstanceUID
    std::string series_uid;
};

/// A series with the tags that its rules saw. The first registration of a series wins, as in mercure.
struct SeriesRegistered {
    WallTime time;
    std::string series_uid;
    Tags tags;
};

enum class SeriesStage { receiving, routing, processing, dispatching, collecting, done, discarded, failed };

/// Where a series is now; ours, mercure has no such table. Later ones replace earlier ones.
struct SeriesState {
    WallTime time;
    std::string series_uid;
    SeriesStage state = SeriesStage::receiving;
    std::string outcome;          ///< a sentence: what was decided, or why it failed
    std::string rules;            ///< names of the triggered rules, ", " between them
    std::string task_id;          ///< of the series task; empty keeps the known one
    std::uint64_t instances = 0;  ///< 0 keeps the known number; so for bytes
    std::uint64_t bytes = 0;
};

/// Why a series went where it went: every rule with what it was worth (rules::to_json). A late part of a series has a
/// decision of its own.
struct SeriesDecision {
    WallTime time;
    std::string series_uid;
    std::string task_id;  ///< of the part that was routed
    std::string decision_json;
};

struct TaskRegistered {
    WallTime time;
    std::string id;
    std::string parent_id;  ///< empty = none
    std::string series_uid;
};

/// The whole task.json as it is now.
struct TaskUpdated {
    WallTime time;
    std::string id;
    std::string task_json;
};

struct TaskEvent {
    WallTime time;
    std::string task_id;
    std::string sender;
    TaskEventType event = TaskEventType::unknown;
    std::uint64_t file_count = 0;
    std::string target;
    std::string info;
};

/// A part of a module's output, while it runs. Parts of the same run and chunk are joined.
struct ProcessorLog {
    WallTime time;
    std::string task_id;
    std::string module;
    std::string run;        ///< which run of the module: unique
    unsigned chunk = 0;     ///< rows have a limited size
    bool is_first = false;  ///< what is known of this run is replaced
    std::string text;
    std::string file;  ///< where the output lies when it is not in the database
};

/// What a module gave as result.json.
struct ProcessorOutput {
    WallTime time;
    std::string task_id, acc, mrn;
    std::string module;
    unsigned index = 0;    ///< in the chain
    std::string settings;  ///< JSON
    std::string output;    ///< JSON
};

/// A test that a helper runs. Begun once more it is the same test, with the task that it has by now.
struct TestBegun {
    WallTime time;
    std::string id, type, rule_type, task_id;
};

struct TestEnded {
    WallTime time;
    std::string id, status;
};

/// An object of the configuration has another name; what is known of it stays known, under the new one.
struct Renamed {
    enum class Kind { rule, target, module };
    Kind kind = Kind::rule;
    std::string from, to;
};

}  // namespace journal

using JournalEntry =
    std::variant<journal::MercureEvent, journal::WebguiEvent, journal::DicomFile, journal::SeriesRegistered,
                 journal::SeriesState, journal::SeriesDecision, journal::TaskRegistered, journal::TaskUpdated,
                 journal::TaskEvent, journal::ProcessorLog, journal::ProcessorOutput, journal::TestBegun,
                 journal::TestEnded, journal::Renamed>;

std::string_view to_string(journal::SeriesStage stage);

/// The bookkeeper's database, the writing side. Losing it loses no image: it can be begun anew at any time.
/// For the journal pool of one thread; readers use `Reader` (reader.hpp) beside it.
class Journal {
public:
    /// Opens or makes it and brings its tables up to date. A file that is no database, or a damaged one, is moved aside
    /// to `NAME.corrupt-TIME` and a new one begun; `take_notice` says so. `check` = read it all first, after a power
    /// cut. A database of a newer version of the program is left alone: Errc::invalid.
    static Result<std::unique_ptr<Journal>> open(const std::filesystem::path& file, bool check = false);

    /// Commits and moves the write-ahead log into the file.
    ~Journal();
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;

    /// All of them in one transaction, or none. After an error (Errc::no_space: the disk is full) the caller keeps them
    /// and writes them again later.
    Result<void> write(const std::vector<JournalEntry>& entries);

    /// Removes a piece of what is older, and the files of its logs; see prune_history.
    Result<HistoryPruning> prune(WallTime before, HistoryPruning from, std::size_t rows_max,
                                 const FolderIsHere& is_here);

    /// How large the database may grow, in bytes; beyond it `write` answers Errc::no_space. 0 = no limit.
    void set_size_limit(std::uint64_t bytes);

    /// What an operator should know, once: that a damaged database was moved aside.
    std::optional<std::string> take_notice();

private:
    struct State;
    explicit Journal(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace quicksilver
