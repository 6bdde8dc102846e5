#include "quicksilver/store/reader.hpp"

#include "quicksilver/store/database.hpp"

#include <fmt/format.h>

#include <optional>
#include <sys/stat.h>
#include <utility>

namespace quicksilver {

using database::Connection;
using database::DatabaseError;

struct Reader::State {
    std::filesystem::path file;
    std::optional<Connection> connection;
    ino_t inode = 0;

    /// Opens it, anew when somebody put another file in its place.
    Connection& open() {
        struct stat status {};
        const bool is_there = ::stat(file.c_str(), &status) == 0;
        if (!connection || !is_there || status.st_ino != inode) {
            connection.reset();
            connection.emplace(file, database::Mode::read_only);
            inode = status.st_ino;
        }
        return *connection;
    }

    /// Runs a query; a connection that failed is not used again.
    template <class Query>
    auto run(Query query) -> Result<decltype(query(std::declval<Connection&>()))> {
        try {
            return query(open());
        } catch (const DatabaseError& failed) {
            connection.reset();
            return failed.to_error();
        }
    }
};

namespace {

std::uint64_t count(const database::Statement& row, int column) {
    return static_cast<std::uint64_t>(row.integer(column));
}

}  // namespace

Reader::Reader(std::filesystem::path file) : state_(std::make_unique<State>()) {
    state_->file = std::move(file);
}

Reader::~Reader() = default;

Result<std::vector<SeriesRow>> Reader::recent_series(std::size_t limit, std::int64_t before) {
    return state_->run([&](Connection& connection) {
        std::vector<SeriesRow> series;
        auto row = connection.statement(
            "SELECT s.id, s.time, s.series_uid, s.study_uid, s.tag_modality, s.tag_seriesdescription,"
            " t.state, t.outcome, t.rules, t.task_id, t.instances, t.bytes"
            " FROM dicom_series s LEFT JOIN series_state t ON t.series_uid = s.series_uid"
            " WHERE s.id < ?1 ORDER BY s.id DESC LIMIT ?2");
        row.bind(before, std::uint64_t{limit});
        while (row.step()) {
            series.push_back(SeriesRow{row.integer(0), row.text(1), row.text(2), row.text(3), row.text(4), row.text(5),
                                       row.text(6), row.text(7), row.text(8), row.text(9), count(row, 10),
                                       count(row, 11)});
        }
        return series;
    });
}

Result<std::map<std::string, std::uint64_t>> Reader::series_by_state() {
    return state_->run([](Connection& connection) {
        std::map<std::string, std::uint64_t> counts;
        auto row = connection.statement("SELECT state, COUNT(*) FROM series_state GROUP BY state");
        while (row.step()) counts[row.text(0)] = count(row, 1);
        return counts;
    });
}

Result<std::string> Reader::series_tags(std::string_view series_uid) {
    return state_->run([&](Connection& connection) {
        auto row = connection.statement("SELECT tags FROM dicom_series WHERE series_uid = ?1");
        row.bind(series_uid);
        return row.step() ? row.text(0) : std::string();
    });
}

Result<std::vector<DecisionRow>> Reader::decisions(std::string_view series_uid, std::size_t limit) {
    return state_->run([&](Connection& connection) {
        std::vector<DecisionRow> decisions;
        auto row = connection.statement(
            "SELECT id, time, series_uid, task_id, decision FROM series_decisions"
            " WHERE series_uid = ?1 ORDER BY id DESC LIMIT ?2");
        row.bind(series_uid, std::uint64_t{limit});
        while (row.step()) {
            decisions.push_back(DecisionRow{row.integer(0), row.text(1), row.text(2), row.text(3), row.text(4)});
        }
        return decisions;
    });
}

Result<std::vector<TaskRow>> Reader::recent_tasks(std::size_t limit) {
    return state_->run([&](Connection& connection) {
        std::vector<TaskRow> tasks;
        auto row = connection.statement(
            "SELECT id, parent_id, time, series_uid, study_uid, data FROM tasks"
            " WHERE parent_id IS NULL ORDER BY time DESC, id DESC LIMIT ?1");
        row.bind(std::uint64_t{limit});
        while (row.step()) {
            tasks.push_back(TaskRow{row.text(0), row.text(1), row.text(2), row.text(3), row.text(4), row.text(5)});
        }
        return tasks;
    });
}

Result<std::vector<TaskEventRow>> Reader::task_events(std::string_view task_id, std::size_t limit) {
    return state_->run([&](Connection& connection) {
        std::vector<TaskEventRow> events;
        auto row = connection.statement(
            "SELECT id, time, task_id, sender, event, target, info, file_count FROM task_events"
            " WHERE task_id = ?1 OR task_id IN (SELECT id FROM tasks WHERE parent_id = ?1)"
            " ORDER BY id LIMIT ?2");
        row.bind(task_id, std::uint64_t{limit});
        while (row.step()) {
            events.push_back(TaskEventRow{row.integer(0), row.text(1), row.text(2), row.text(3), row.text(4),
                                          row.text(5), row.text(6), count(row, 7)});
        }
        return events;
    });
}

Result<std::vector<ProcessorLogRow>> Reader::processor_logs(std::string_view task_id, std::size_t limit,
                                                            std::int64_t after) {
    return state_->run([&](Connection& connection) {
        std::vector<ProcessorLogRow> logs;
        auto row = connection.statement(
            "SELECT id, time, task_id, module_name, ifnull(run, ''), chunk, ifnull(logs, ''), ifnull(file, '')"
            " FROM processor_logs"
            " WHERE (task_id = ?1 OR task_id IN (SELECT id FROM tasks WHERE parent_id = ?1)) AND id > ?2"
            " ORDER BY id LIMIT ?3");
        row.bind(task_id, after, std::uint64_t{limit});
        while (row.step()) {
            logs.push_back(ProcessorLogRow{row.integer(0), row.text(1), row.text(2), row.text(3), row.text(4),
                                           static_cast<unsigned>(row.integer(5)), row.text(6), row.text(7)});
        }
        return logs;
    });
}

Result<std::vector<ProcessorOutputRow>> Reader::processor_outputs(std::string_view task_id, std::size_t limit) {
    return state_->run([&](Connection& connection) {
        std::vector<ProcessorOutputRow> outputs;
        auto row = connection.statement(
            "SELECT id, time, task_id, module, \"index\", ifnull(settings, ''), ifnull(output, '')"
            " FROM processor_outputs"
            " WHERE task_id = ?1 OR task_id IN (SELECT id FROM tasks WHERE parent_id = ?1)"
            " ORDER BY id LIMIT ?2");
        row.bind(task_id, std::uint64_t{limit});
        while (row.step()) {
            outputs.push_back(ProcessorOutputRow{row.integer(0), row.text(1), row.text(2), row.text(3),
                                                 static_cast<unsigned>(row.integer(4)), row.text(5), row.text(6)});
        }
        return outputs;
    });
}

}  // namespace quicksilver
