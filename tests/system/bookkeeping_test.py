"""The bookkeeper's database: mercure's tables and events in their order; losing it loses no image."""

import sqlite3
import unittest

from data_sets import read
from server import SystemTest, config, delivered, free_port, instances, wait_until

MERCURE_TABLES = {
    "mercure_events": {"id", "time", "sender", "event", "severity", "description"},
    "webgui_events": {"id", "time", "sender", "event", "user", "description"},
    "dicom_files": {"id", "time", "filename", "file_uid", "series_uid"},
    "dicom_series": {"id", "time", "series_uid", "study_uid", "tag_patientname", "tag_patientid",
                     "tag_accessionnumber", "tag_modality", "tag_seriesdescription", "tag_stationname"},
    "task_events": {"id", "task_id", "time", "sender", "event", "file_count", "target", "info", "client_timestamp"},
    "tasks": {"id", "parent_id", "time", "series_uid", "study_uid", "data"},
    "tests": {"id", "type", "rule_type", "time_begin", "time_end", "status", "task_id", "data"},
    "processor_logs": {"id", "task_id", "module_name", "logs", "time"},
    "processor_outputs": {"id", "time", "task_id", "task_acc", "task_mrn", "module", "index", "settings", "output"},
}


class Bookkeeping(SystemTest):
    def setUp(self):
        super().setUp()
        self.out, self.target = self.folder_target("out")

    def start(self, rules=None, **keys):
        self.server = self.start_server(config(
            targets={"out": self.target}, rules=rules or {"all": {"rule": "True", "target": "out"}}, **keys))
        self.wait_for_database()
        return self.server

    def wait_for_database(self):
        """It is made beside the start, not before it: nothing waits for the books."""
        def has_booted():
            try:
                return self.query("SELECT 1 FROM mercure_events WHERE event = 'BOOT'")
            except sqlite3.DatabaseError:
                return False
        wait_until(has_booted, "the first event in the database")

    @property
    def database(self):
        return self.server.data / "db" / "quicksilver.sqlite"

    def query(self, sql, *values):
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        try:
            return connection.execute(sql, values).fetchall()
        finally:
            connection.close()

    def events(self):
        """(is it of the series or of one of its tasks, event, number of files, info) in the order of writing."""
        return self.query("""SELECT CASE WHEN tasks.parent_id IS NULL THEN 'series' ELSE 'task' END, event, file_count,
                             info FROM task_events JOIN tasks ON tasks.id = task_id ORDER BY task_events.id""")

    def wait_for_event(self, event):
        wait_until(lambda: event in {row[1] for row in self.events()}, lambda: f"{event} in {self.events()}")

    def test_mercures_tables_and_columns_are_there(self):
        self.start()
        for table, columns in MERCURE_TABLES.items():
            with self.subTest(table):
                found = {row[1] for row in self.query(f"PRAGMA table_info({table})")}
                self.assertLessEqual(columns, found)

    def test_a_delivered_series_has_mercures_events_in_their_order(self):
        self.start()
        self.server.send(*self.make_series(instances=3))
        delivered(self.out, 1)
        self.wait_for_event("COMPLETE")
        self.assertEqual(self.events(), [
            ("series", "REGISTER", 3, "Registered series"),
            ("series", "DELEGATE", 3, "all"),
            ("series", "MOVE", 3, "Moved files"),
            ("task", "DISPATCH_BEGIN", 3, "Routing job running"),
            ("task", "DISPATCH_COMPLETE", 3, "Routing job complete"),
            ("task", "MOVE", 3, "Moved to success folder"),
            ("task", "COMPLETE", 3, "Task complete"),
        ])

    def test_a_discarded_series_has_mercures_events(self):
        self.start({"never": {"rule": "False", "target": "out"}})
        self.server.send(*self.make_series(instances=2))
        self.wait_for_event("MOVE")
        events = self.events()
        self.assertEqual([event[1] for event in events], ["REGISTER", "DISCARD", "MOVE"])
        self.assertEqual(events[1][3], "Discard by default.")

    def test_instances_series_and_tasks_are_registered(self):
        self.start()
        series = self.make_series(instances=3, patient_id="P9", accession_number="A9", series_description="Knee")
        self.server.send(*series)
        self.wait_for_event("COMPLETE")
        header = read(series[0], stop_before_pixels=True)
        rows = self.query("SELECT series_uid, study_uid, tag_patientid, tag_accessionnumber, tag_seriesdescription, "
                          "tag_modality FROM dicom_series")
        self.assertEqual(rows, [(header.SeriesInstanceUID, header.StudyInstanceUID, "P9", "A9", "Knee", "CT")])
        files = {row[0] for row in self.query("SELECT file_uid FROM dicom_files")}
        self.assertEqual(files, {read(path, stop_before_pixels=True).SOPInstanceUID for path in series})
        child, = self.query("SELECT id, acc, mrn FROM tasks WHERE parent_id IS NOT NULL")
        self.assertEqual(child, (self.server.wait_for_tasks("success")[0].name, "A9", "P9"))

    def test_start_and_stop_are_events_of_the_server(self):
        self.start()
        self.server.stop()
        events = self.query("SELECT event, description FROM mercure_events ORDER BY id")
        self.assertEqual([event for event, _ in events], ["BOOT", "SHUTDOWN_REQUEST", "SHUTDOWN"])
        self.assertEqual(events[0][1], f"PID = {self.server.process.pid}")

    def test_deleting_the_database_between_two_runs_loses_no_image(self):
        self.check_nothing_is_lost_by(self.delete_database)

    def test_a_damaged_database_is_replaced_and_loses_no_image(self):
        self.check_nothing_is_lost_by(self.overwrite_database)
        self.assertEqual(len(list(self.database.parent.glob("quicksilver.sqlite.corrupt-*"))), 1)

    def check_nothing_is_lost_by(self, damage):
        self.start(series_complete_trigger=60)
        series = self.make_series(instances=5)
        self.server.send(*series)
        self.server.kill()
        damage()
        self.server.write_config(config(targets={"out": self.target}, rules={"all": {"rule": "True", "target": "out"}}))
        self.server.start()
        folder, = delivered(self.out, 1)
        self.assertEqual(len(instances(folder)), 5)
        self.wait_for_database()
        self.wait_for_event("COMPLETE")

    def delete_database(self):
        for path in self.database.parent.iterdir():
            path.unlink()

    def overwrite_database(self):
        self.delete_database()
        self.database.write_bytes(b"not a database" * 1000)

    def test_a_series_is_not_done_while_one_of_its_deliveries_is_still_out(self):
        away = {"target_type": "dicom", "ip": "127.0.0.1", "port": free_port()}
        self.server = self.start_server(config(
            targets={"out": self.target, "away": away}, retry_max=1000,
            rules={"all": {"rule": "True", "target": ["out", "away"]}}))
        self.wait_for_database()
        self.server.send(*self.make_series(instances=1))
        delivered(self.out, 1)
        self.wait_for_event("COMPLETE")
        self.assertEqual(self.query("SELECT state FROM series_state"), [("dispatching",)])


if __name__ == "__main__":
    unittest.main()
