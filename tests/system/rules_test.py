"""What rules make of a series: links to several targets, fallback, discard, failing rules, forced rules, task.json."""

import json
import unittest

from data_sets import read
from server import SystemTest, config, delivered, instances


class Rules(SystemTest):
    def start(self, rules, targets=("a", "b")):
        made = {name: self.folder_target(name) for name in targets}
        self.out = {name: folder for name, (folder, _) in made.items()}
        self.server = self.start_server(config(targets={name: target for name, (_, target) in made.items()},
                                               rules=rules))
        return self.server

    def test_every_rule_that_triggers_gets_the_whole_series(self):
        self.start({"ct": {"rule": "tags.Modality == 'CT'", "target": "a"},
                    "everything": {"rule": "True", "target": ["a", "b"]},
                    "mr": {"rule": "tags.Modality == 'MR'", "target": "b"}})
        series = self.make_series(instances=4)
        self.server.send(*series)
        for name in ("a", "b"):
            folder, = delivered(self.out[name], 1)
            self.assertEqual(len(instances(folder)), 4)
        self.server.wait_for_tasks("success", 2)
        tasks = [json.loads((task / "task.json").read_text()) for task in self.server.tasks("success")]
        by_target = {task["dispatch"]["target_name"][0]: task["info"]["triggered_rules"] for task in tasks}
        self.assertEqual(by_target, {"a": {"ct": True, "everything": True}, "b": {"everything": True}})

    def test_the_fallback_takes_what_no_other_rule_wants(self):
        self.start({"rest": {"rule": "True", "target": "b", "fallback": True},
                    "ct": {"rule": "tags.Modality == 'CT'", "target": "a"}})
        self.server.send(*self.make_series("ct", modality="CT", instances=1, seed=1))
        self.server.send(*self.make_series("mr", modality="MR", instances=2, seed=2))
        self.assertEqual(len(instances(delivered(self.out["a"], 1)[0])), 1)
        self.assertEqual(len(instances(delivered(self.out["b"], 1)[0])), 2)

    def test_a_disabled_rule_does_nothing_and_what_nobody_wants_is_discarded(self):
        self.start({"off": {"rule": "True", "target": "a", "disabled": True}})
        self.server.send(*self.make_series(instances=2))
        task, = self.server.wait_for_tasks("discard")
        self.assertEqual(len(instances(task)), 2)
        self.server.wait_until_at_rest()
        self.assertEqual(list(self.out["a"].iterdir()), [])

    def test_a_discard_rule_goes_over_the_others(self):
        self.start({"keep": {"rule": "True", "target": "a"}, "drop": {"rule": "True", "action": "discard"}})
        self.server.send(*self.make_series(instances=2))
        self.server.wait_for_tasks("discard")
        self.server.wait_until_at_rest()
        self.assertEqual(list(self.out["a"].iterdir()), [])

    def test_a_rule_that_fails_does_not_keep_the_series_from_the_others(self):
        self.start({"broken": {"rule": "1 / 0 == tags.Modality", "target": "b"},
                    "fine": {"rule": "tags.Modality == 'CT'", "target": "a"}})
        self.server.send(*self.make_series(instances=2))
        self.assertEqual(len(instances(delivered(self.out["a"], 1)[0])), 2)
        self.server.wait_for_log("a rule failed")
        self.assertEqual(list(self.out["b"].iterdir()), [])

    def test_a_target_that_nobody_configured_puts_the_series_into_error(self):
        self.start({"typing-error": {"rule": "True", "target": "nowhere"}, "fine": {"rule": "True", "target": "a"}})
        self.server.send(*self.make_series(instances=2))
        self.assertEqual(len(instances(delivered(self.out["a"], 1)[0])), 2)
        task, = self.server.wait_for_tasks("error")
        self.assertEqual(len(instances(task)), 2)
        info = json.loads((task / "task.json").read_text())["info"]
        self.assertEqual(info["fail_stage"], "ROUTING")
        self.assertIn("nowhere", info["fail_reason"])

    def test_task_json_of_a_delivered_series_has_mercures_fields(self):
        self.start({"all": {"rule": "True", "target": "a"}})
        self.server.send(*self.make_series(instances=2, patient_name="Doe^Jane", patient_id="P17",
                                           accession_number="A42"), calling="CT1", called="STORE")
        folder, = self.server.wait_for_tasks("success")
        task = json.loads((folder / "task.json").read_text())
        self.assertEqual(set(task), {"info", "id", "dispatch", "process", "study", "nomad_info"})
        self.assertEqual(task["id"], folder.name)
        info = task["info"]
        self.assertEqual(
            {key: info[key] for key in ("action", "uid_type", "triggered_rules", "applied_rule", "patient_name", "mrn",
                                        "acc", "sender_address", "sender_aet", "receiver_aet", "fail_stage")},
            {"action": "route", "uid_type": "series", "triggered_rules": {"all": True}, "applied_rule": "",
             "patient_name": "Doe^Jane", "mrn": "P17", "acc": "A42", "sender_address": "127.0.0.1",
             "sender_aet": "CT1", "receiver_aet": "STORE", "fail_stage": None})
        self.assertLessEqual({"uid", "mercure_version", "mercure_appliance", "mercure_server",
                              "device_serial_number"}, set(info))
        self.assertEqual(task["dispatch"]["target_name"], ["a"])
        self.assertEqual(task["dispatch"]["status"]["a"]["state"], "complete")
        self.assertRegex(task["dispatch"]["status"]["a"]["time"], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$")
        self.assertEqual((task["process"], task["study"], task["nomad_info"]), ({}, {}, None))

    def test_a_folder_target_gets_tags_and_a_marker_beside_the_instances(self):
        self.start({"all": {"rule": "True", "target": "a"}})
        self.server.send(*self.make_series(instances=2, series_description="Thorax"))
        folder, = delivered(self.out["a"], 1)
        names = sorted(path.name for path in folder.iterdir())
        stems = sorted(path.stem for path in folder.glob("*.dcm"))
        self.assertEqual(names, sorted([".complete", "task.json"] + [stem + end for stem in stems
                                                                    for end in (".dcm", ".tags")]))
        for stem in stems:
            tags = json.loads((folder / f"{stem}.tags").read_text())
            self.assertEqual((tags["SeriesInstanceUID"], tags["SOPInstanceUID"]), tuple(stem.split("#")))
            self.assertEqual(tags["SeriesDescription"], "Thorax")
            self.assertTrue(all(isinstance(value, str) for value in tags.values()))

    def test_a_file_filter_leaves_files_out(self):
        folder, target = self.folder_target("filtered")
        server = self.start_server(config(targets={"f": {**target, "file_filter": "*.tags, task.json"}},
                                          rules={"all": {"rule": "True", "target": "f"}}))
        server.send(*self.make_series(instances=2))
        done, = delivered(folder, 1)
        self.assertEqual(sorted({path.suffix or path.name for path in done.iterdir()}), [".complete", ".dcm"])

    def test_a_forced_rule_in_a_tags_file_goes_over_all_others(self):
        self.start({"usual": {"rule": "True", "target": "a"},
                    "forced": {"rule": "False", "target": "b", "disabled": True}})
        file, = self.make_series(instances=1)
        # As a script of mercure does it: a folder named for the series, the instance and its tags in it.
        data_set = read(file, stop_before_pixels=True)
        series, instance = str(data_set.SeriesInstanceUID), str(data_set.SOPInstanceUID)
        folder = self.make_folder("dropped")
        (folder / f"{series}#{instance}.dcm").write_bytes(file.read_bytes())
        (folder / f"{series}#{instance}.tags").write_text(json.dumps(
            {"SeriesInstanceUID": series, "SOPInstanceUID": instance, "mercureForceRule": "forced"}))
        self.server.stop()
        folder.rename(self.server.data / "incoming" / series)
        self.server.start()
        self.assertEqual(len(instances(delivered(self.out["b"], 1)[0])), 1)
        self.server.wait_until_at_rest()
        self.assertEqual(list(self.out["a"].iterdir()), [])


if __name__ == "__main__":
    unittest.main()
