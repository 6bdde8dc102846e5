#include "quicksilver/store/history_pruning.hpp"

#include "quicksilver/store/database.hpp"

#include <algorithm>
#include <optional>

namespace quicksilver {

using database::Connection;
using database::Transaction;

namespace {

class Pruner {
public:
    Pruner(Connection& connection, HistoryPruning& state, const FolderIsHere& is_here)
        : connection_(connection), state_(state), is_here_(is_here) {}

    /// False when there is no older series any more.
    bool look_at_series(const std::string& before, std::size_t rows_max) {
        struct Old {
            std::string uid;
            bool has_ended = false;
        };
        std::vector<Old> old;
        auto row = connection_.statement(
            "SELECT series_uid, first_seen, state IN ('done', 'discarded', 'failed') AND since < ?1 FROM series_state"
            " WHERE (first_seen, series_uid) > (?2, ?3) AND first_seen < ?1 ORDER BY first_seen, series_uid LIMIT ?4");
        row.bind(before, state_.first_seen, state_.series_uid, std::uint64_t{rows_max});
        while (row.step()) {
            old.push_back({row.text(0), row.integer(2) == 1});
            state_.first_seen = row.text(1);
            state_.series_uid = row.text(0);
        }
        for (const Old& series : old) {
            if (series.has_ended) remove_series_unless_here(series.uid);
        }
        return old.size() == rows_max;
    }

    /// False when there is nothing more.
    bool remove_what_has_no_series(const std::string& before, std::size_t rows_max) {
        std::uint64_t removed = 0;
        const auto changes = [&] { removed += static_cast<std::uint64_t>(connection_.number("SELECT changes()")); };
        connection_
            .statement(
                "DELETE FROM mercure_events WHERE id IN (SELECT id FROM mercure_events WHERE time < ?1 LIMIT ?2)")
            .bind(before, std::uint64_t{rows_max})
            .run();
        changes();
        connection_
            .statement("DELETE FROM webgui_events WHERE id IN (SELECT id FROM webgui_events WHERE time < ?1 LIMIT ?2)")
            .bind(before, std::uint64_t{rows_max})
            .run();
        changes();
        connection_.statement("DELETE FROM tests WHERE id IN (SELECT id FROM tests WHERE time_begin < ?1 LIMIT ?2)")
            .bind(before, std::uint64_t{rows_max})
            .run();
        changes();
        connection_
            .statement(
                "DELETE FROM dicom_files WHERE id IN (SELECT id FROM dicom_files f WHERE time < ?1 AND NOT EXISTS"
                " (SELECT 1 FROM series_state t WHERE t.series_uid = f.series_uid) LIMIT ?2)")
            .bind(before, std::uint64_t{rows_max})
            .run();
        changes();
        connection_
            .statement(
                "DELETE FROM dicom_series WHERE id IN (SELECT id FROM dicom_series s WHERE time < ?1 AND NOT EXISTS"
                " (SELECT 1 FROM series_state t WHERE t.series_uid = s.series_uid) LIMIT ?2)")
            .bind(before, std::uint64_t{rows_max})
            .run();
        changes();
        connection_
            .statement(
                "DELETE FROM task_events WHERE id IN (SELECT id FROM task_events e WHERE time < ?1 AND NOT EXISTS"
                " (SELECT 1 FROM tasks k WHERE k.id = e.task_id) LIMIT ?2)")
            .bind(before, std::uint64_t{rows_max})
            .run();
        changes();
        std::vector<std::string> tasks;
        auto row = connection_.statement(
            "SELECT id FROM tasks k WHERE time < ?1 AND NOT EXISTS"
            " (SELECT 1 FROM series_state t WHERE t.series_uid = k.series_uid) AND NOT EXISTS"
            " (SELECT 1 FROM json_each(k.data, '$.study.received_series_uid') j JOIN series_state t"
            " ON t.series_uid = j.value) LIMIT ?2");
        row.bind(before, std::uint64_t{rows_max});
        while (row.step()) tasks.push_back(row.text(0));
        for (const std::string& task : tasks) {
            if (is_here_(task)) continue;
            remove_task(task);
            ++removed;
        }
        state_.rows += removed;
        return removed > 0;
    }

private:
    struct Task {
        std::string id;
        bool is_of_others = false;  // a study, of which other series are known
    };

    void remove_series_unless_here(const std::string& uid) {
        const std::vector<Task> tasks = tasks_of(uid);
        const bool is_here =
            is_here_(uid) || std::ranges::any_of(tasks, [&](const Task& task) { return is_here_(task.id); });
        if (is_here) return;
        for (const Task& task : tasks) {
            if (!task.is_of_others) remove_task(task.id);
        }
        connection_.statement("DELETE FROM dicom_files WHERE series_uid = ?1").bind(uid).run();
        connection_.statement("DELETE FROM series_decisions WHERE series_uid = ?1").bind(uid).run();
        connection_.statement("DELETE FROM dicom_series WHERE series_uid = ?1").bind(uid).run();
        connection_.statement("DELETE FROM series_state WHERE series_uid = ?1").bind(uid).run();
        ++state_.series;
    }

    std::vector<Task> tasks_of(const std::string& uid) {
        std::vector<Task> tasks;
        auto row = connection_.statement(
            "SELECT id, EXISTS (SELECT 1 FROM json_each(k.data, '$.study.received_series_uid') j JOIN series_state t"
            " ON t.series_uid = j.value WHERE j.value <> ?1) FROM tasks k WHERE series_uid = ?1"
            " UNION SELECT id, EXISTS (SELECT 1 FROM json_each(k.data, '$.study.received_series_uid') j"
            " JOIN series_state t ON t.series_uid = j.value WHERE j.value <> ?1) FROM tasks k"
            " WHERE study_uid = (SELECT study_uid FROM dicom_series WHERE series_uid = ?1) AND study_uid <> ''"
            " AND EXISTS (SELECT 1 FROM json_each(k.data, '$.study.received_series_uid') WHERE value = ?1)");
        row.bind(uid);
        while (row.step()) tasks.push_back({row.text(0), row.integer(1) == 1});
        return tasks;
    }

    void remove_task(const std::string& id) {
        auto logs =
            connection_.statement("SELECT DISTINCT file FROM processor_logs WHERE task_id = ?1 AND file IS NOT NULL");
        logs.bind(id);
        while (logs.step()) state_.log_files.push_back(logs.text(0));
        connection_.statement("DELETE FROM processor_logs WHERE task_id = ?1").bind(id).run();
        connection_.statement("DELETE FROM processor_outputs WHERE task_id = ?1").bind(id).run();
        connection_.statement("DELETE FROM task_events WHERE task_id = ?1").bind(id).run();
        connection_.statement("DELETE FROM tasks WHERE id = ?1").bind(id).run();
    }

    Connection& connection_;
    HistoryPruning& state_;
    const FolderIsHere& is_here_;
};

}  // namespace

HistoryPruning prune_history(Connection& connection, WallTime before, HistoryPruning from, std::size_t rows_max,
                             const FolderIsHere& is_here) {
    from.log_files.clear();
    const std::string time = rfc3339(before);
    Transaction transaction(connection);
    Pruner pruner(connection, from, is_here);
    const bool more = pruner.look_at_series(time, rows_max) || pruner.remove_what_has_no_series(time, rows_max);
    from.is_done = !more;
    transaction.commit();
    return from;
}

}  // namespace quicksilver
