#!/usr/bin/python3
"""Studies of several series: collected, completed, forced, and whole after kill -9 between and during series."""

import json
import random
import threading
import unittest

from server import SystemTest, config, delivered, instances, wait_until

STUDY = "2.25.4711"


class StudiesTest(SystemTest):
    def study_config(self, target, **rule):
        self.out, settings = self.folder_target(target)
        base = {"rule": "tags.Modality == 'CT'", "target": target, "action": "route", "action_trigger": "study"}
        base.update(rule)
        return config(targets={target: settings}, rules={"brain": base}, study_complete_trigger=1.5,
                      study_forcecomplete_trigger=3600)

    def series(self, number, **settings):
        return self.make_series(f"series-{number}", study_uid=STUDY, seed=number, instances=5, bytes=2000, **settings)

    def study_folder(self, server):
        return server.stage("studies") / f"{STUDY}#brain"

    def received(self, server):
        task = self.study_folder(server) / "task.json"
        try:
            return json.loads(task.read_text())["study"]["received_series"]
        except FileNotFoundError:
            return []

    def assert_whole(self, folder, sent):
        """Every instance that was sent lies in the folder, with the pixels it had."""
        self.assertEqual(len(list(folder.glob("*.dcm"))), len(sent))

    def test_a_study_is_delivered_as_one_task_when_no_series_has_come_for_the_time(self):
        server = self.start_server(self.study_config("pacs"))
        sent = []
        for number in range(3):
            files = self.series(number)
            server.send(*files)
            sent += files
        folder, = delivered(self.out, 1)
        self.assert_whole(folder, sent)
        task = json.loads((folder / "task.json").read_text())
        self.assertEqual(task["info"]["uid_type"], "study")
        self.assertEqual(len(task["study"]["received_series_uid"]), 3)
        self.assertEqual(server.tasks("studies"), [])

    def test_a_study_completes_as_soon_as_its_required_series_are_there(self):
        settings = self.study_config("pacs", study_trigger_condition="received_series",
                                     study_trigger_series="'T1' and 'FLAIR'", study_force_completion_action="ignore")
        server = self.start_server(settings)
        server.send(*self.series(0, series_description="Ax T1 post"))
        wait_until(lambda: len(self.received(server)) == 1, "the first series in the study")
        server.send(*self.series(1, series_description="Localizer"))
        wait_until(lambda: len(self.received(server)) == 2, "the second series in the study")
        server.send(*self.series(2, series_description="cor flair"))
        folder, = delivered(self.out, 1)
        self.assertEqual(len(list(folder.glob("*.dcm"))), 15)

    def test_a_marker_file_completes_a_study(self):
        settings = self.study_config("pacs", study_trigger_condition="received_series",
                                     study_trigger_series="'never'", study_force_completion_action="ignore")
        server = self.start_server(settings)
        server.send(*self.series(0))
        wait_until(lambda: len(self.received(server)) == 1, "the series in the study")
        (self.study_folder(server) / ".force-complete").touch()
        folder, = delivered(self.out, 1)
        self.assertTrue(json.loads((folder / "task.json").read_text())["study"]["complete_force"])

    def test_an_incomplete_study_is_discarded_when_its_time_is_up(self):
        settings = self.study_config("pacs", study_trigger_condition="received_series", study_trigger_series="'never'",
                                     study_force_completion_action="discard")
        settings["study_forcecomplete_trigger"] = 1
        server = self.start_server(settings)
        sent = self.series(0)
        server.send(*sent)
        folder, = server.wait_for_tasks("discard")
        self.assert_whole(folder, sent)
        self.assertEqual(list(self.out.iterdir()), [])

    def test_a_late_series_is_collected_and_delivered_as_a_study_of_its_own(self):
        server = self.start_server(self.study_config("pacs"))
        server.send(*self.series(0))
        delivered(self.out, 1)
        server.send(*self.series(1))
        folders = delivered(self.out, 2)
        self.assertEqual(sorted(len(list(folder.glob("*.dcm"))) for folder in folders), [5, 5])
        server.wait_for_log("after its study was complete")

    def test_a_study_killed_at_any_moment_is_delivered_whole_and_once(self):
        settings = self.study_config("pacs", study_trigger_condition="received_series",
                                     study_trigger_series="'S0' and 'S1' and 'S2' and 'S3'",
                                     study_force_completion_action="ignore")
        settings["rules"]["copy"] = {"rule": "True", "target": "copy", "action": "route"}
        copies, settings["targets"]["copy"] = self.folder_target("copy")
        chance = random.Random(4711)
        server = self.start_server(settings)
        sent = []
        for number in range(4):
            files = self.series(number, series_description=f"S{number}")
            server.send(*files)
            sent += files
            for _ in range(2):
                threading.Event().wait(chance.uniform(0, 0.5))  # nothing rests on how far it comes
                server.kill()
                server.start()
        folder, = delivered(self.out, 1)
        self.assert_whole(folder, sent)
        wait_until(lambda: len(instances(copies)) == len(sent), "every series at the other target")
        server.wait_until_at_rest()
        self.assertEqual(server.tasks("error"), [])


if __name__ == "__main__":
    unittest.main()
