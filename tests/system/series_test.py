#!/usr/bin/python3
"""What people do with series: hold and release them, route them again, try again from a place of their choice; and that
none of it is lost or done twice when the server dies in the middle.

QUICKSILVER_CRASH_STRIDE=1 takes every step, QUICKSILVER_CRASH_SEED repeats a run."""

import json
import os
import random
import sys
import unittest

from data_sets import data_set_hash
from server import SystemTest, config, delivered, quicksilver, wait_until

STRIDE = int(os.environ.get("QUICKSILVER_CRASH_STRIDE", "4"))
SEED = int(os.environ.get("QUICKSILVER_CRASH_SEED", str(random.randrange(1_000_000))))
ALWAYS = {"offpeak_start": "00:00", "offpeak_end": "23:59", "cleaner_scan_interval": 0.2}
KILLED = 137


class SeriesTest(SystemTest):
    def start(self, **keys):
        """A rule that delivers CT, and one that triggers only when it is forced."""
        self.out, target = self.folder_target("out")
        self.other, other = self.folder_target("other")
        self.settings = config(
            targets={"out": target, "other": other},
            rules={"ct": {"rule": "tags.Modality == 'CT'", "target": "out"},
                   "never": {"rule": "False", "target": "other"},
                   "off": {"rule": "True", "target": "other", "disabled": True}}, **keys)
        self.server = self.start_server(self.settings)
        self.admin = self.server.token()
        return self.server

    def ask(self, path):
        status, _, answer = self.server.call("GET", path, headers=self.admin)
        self.assertEqual(status, 200, answer)
        return answer

    def act(self, verb, uid, **body):
        """What became of the one series."""
        status, _, answer = self.server.call("POST", f"/series/actions/{verb}", {"ids": [uid], **body}, self.admin)
        self.assertEqual(status, 200, answer)
        return answer["results"][0]

    def change(self, kind, name, **members):
        _, headers, old = self.server.call("GET", f"/{kind}/{name}", headers=self.admin)
        status, _, answer = self.server.call("PATCH", f"/{kind}/{name}", members,
                                             {**self.admin, "If-Match": headers["ETag"]})
        self.assertEqual(status, 200, (answer, old))

    def send(self, state="done", **options):
        """Sends a series and waits until the list shows it in this state; its UID."""
        before = {series["id"] for series in self.ask("/series")["items"]}
        self.files = self.make_series(f"series-{len(before)}", seed=len(before) + 1, **{"modality": "CT", **options})
        self.server.send(*self.files)

        def arrived():
            return [series["id"] for series in self.ask(f"/series?state={state}")["items"]
                    if series["id"] not in before]
        return wait_until(arrived, self.server.log)[0]

    def test_a_held_series_outlives_its_retention_and_kill_9_until_it_is_released(self):
        server = self.start(retention=3600, **ALWAYS)
        held, discarded, gone = self.send(), self.send("discarded", modality="MR"), self.send()
        for uid in (held, discarded):
            self.assertTrue(self.act("hold", uid)["ok"])
        listed = self.ask("/series?held=true")["items"]
        self.assertEqual({series["id"] for series in listed}, {held, discarded})
        self.assertEqual(listed[0]["retention"]["held_by"], "admin-0")
        server.kill()
        server.write_config({**self.settings, "retention": 0.2})
        server.start()
        wait_until(lambda: len(server.tasks("success")) == 1, "the series that nobody holds, gone")
        shown = self.ask(f"/series/{held}")["retention"]
        self.assertEqual((shown["held"], shown["expires_at"]), (True, None))
        self.assertFalse(self.ask(f"/series/{gone}")["retention"]["held"])
        status, _, preview = server.call("POST", "/storage/clean?dry_run=true", headers=self.admin)
        self.assertEqual(status, 200)
        self.assertEqual([item["held"] for item in preview["items"]], [True, True])
        self.assertEqual(preview["bytes"], 0)
        refused = self.act("delete", held)
        self.assertIn("release it first", refused["detail"])
        self.assertEqual(self.ask("/storage")["held_series"], 2)
        for uid in (held, discarded):
            self.assertTrue(self.act("release", uid)["ok"])
        wait_until(lambda: not server.tasks("success") + server.tasks("discard"), "the released series, gone")

    def test_a_disk_that_is_full_of_held_series_is_an_open_problem(self):
        server = self.start(retention=3600, **ALWAYS)
        uid = self.send()
        self.assertTrue(self.act("hold", uid)["ok"])
        server.stop()
        server.write_config({**self.settings, "emergency_clean_percentage": 1})
        server.start()
        problem = wait_until(lambda: [item for item in self.ask("/attention")["items"] if item["id"] == "held"],
                             server.log)[0]
        self.assertEqual(problem["severity"], "error")
        self.assertEqual(len(server.tasks("success")), 1)
        self.assertTrue(self.act("release", uid)["ok"])
        wait_until(lambda: not server.tasks("success"), "room was made")
        wait_until(lambda: not [item for item in self.ask("/attention")["items"] if item["id"] == "held"],
                   "the problem solved")

    def test_a_series_is_held_while_it_arrives_and_wherever_it_goes(self):
        server = self.start()
        status, _, _ = server.call("POST", "/pipeline/stages/route/actions/pause", {}, self.admin)
        self.assertEqual(status, 204)
        uid = self.send("receiving")
        self.assertTrue(self.act("hold", uid)["ok"])
        server.call("POST", "/pipeline/stages/route/actions/resume", None, self.admin)
        task, = server.wait_for_tasks("success")
        self.assertEqual(list(json.loads((task / ".held").read_text())), [uid])
        wait_until(lambda: self.ask(f"/series/{uid}")["state"] == "done", "the series in the books")
        sent = self.act("resend", uid, targets=["other"])
        self.assertTrue(sent["ok"], sent)
        wait_until(lambda: len(server.tasks("success")) == 2, "the copy delivered")
        self.assertTrue((server.stage("success") / sent["tasks"][0] / ".held").exists())
        self.assertTrue(self.act("release", uid)["ok"])
        self.assertEqual(list(server.stage("success").glob("*/.held")), [])

    def test_a_series_is_routed_again_by_a_rule_of_choice_or_by_all(self):
        server = self.start()
        uid = self.send("discarded", modality="MR", instances=3)
        refused = self.act("reroute", uid, rule="nothing")
        self.assertEqual((refused["ok"], refused["detail"]), (False, "there is no rule nothing"))
        self.assertIn("disabled", self.act("reroute", uid, rule="off")["detail"])
        again = self.act("reroute", uid, rule="never")
        self.assertTrue(again["ok"], again)
        folder, = delivered(self.other, 1)
        hashes = sorted(data_set_hash(path) for path in self.files)
        self.assertEqual(sorted(data_set_hash(path) for path in folder.glob("*.dcm")), hashes)
        server.wait_until_at_rest()
        self.assertEqual(len(server.tasks("discard")), 1)
        detail = wait_until(lambda: (lambda shown: shown["state"] == "done" and shown)(self.ask(f"/series/{uid}")),
                            "the series done")
        self.assertIn(again["tasks"][0], [task["id"] for task in detail["tasks"]])
        trace = self.ask(f"/series/{uid}/trace")["items"]
        self.assertEqual([item["decision"]["forced_rule"] for item in trace], ["never", ""])
        self.change("rules", "ct", rule="True")
        self.assertTrue(self.act("retry", uid, **{"from": "start"})["ok"])
        delivered(self.out, 1)

    def test_retrying_from_where_that_makes_no_sense_is_refused_with_the_reason(self):
        server = self.start()
        uid = self.send()
        self.assertIn("resend it instead", self.act("retry", uid, **{"from": "dispatch"})["detail"])
        self.assertIn("from the start", self.act("retry", uid, **{"from": "process"})["detail"])
        self.assertTrue(self.act("delete", uid)["ok"])
        for from_where in ("dispatch", "process", "start"):
            gone = self.act("retry", uid, **{"from": from_where})
            self.assertEqual((gone["ok"], gone["code"]), (False, "not_found"), gone)
        self.assertEqual(server.call("POST", "/series/actions/retry", {"ids": [uid], "from": "x"}, self.admin)[0], 422)

    def test_a_failed_module_is_run_again_or_gone_round(self):
        edit = {"runner": "edit-tags", "settings": {"edits": [{"set": "PatientNmae", "text": "x"}]}}
        _, target = self.folder_target("out")
        _, other = self.folder_target("other")
        self.out, self.other = self.folder / "out", self.folder / "other"
        self.server = self.start_server(config(
            targets={"out": target, "other": other}, modules={"edit": edit},
            rules={"all": {"rule": "True", "action": "both", "target": "out", "processing_module": "edit"},
                   "plain": {"rule": "False", "target": "other"}}))
        self.admin = self.server.token()
        uid = self.send("failed", instances=2)
        self.assertIn("PROCESSING", self.act("retry", uid, **{"from": "dispatch"})["detail"])
        self.assertIn("process it again", self.act("resend", uid, targets=["other"])["detail"])
        self.assertEqual([series["id"] for series in self.ask("/series?stage=process")["items"]], [uid])
        self.assertEqual(self.ask("/series?stage=dispatch")["items"], [])
        self.assertEqual([series["id"] for series in self.ask("/series?module=edit")["items"]], [uid])
        self.assertTrue(self.act("reroute", uid, rule="plain")["ok"])
        folder, = delivered(self.other, 1)
        self.assertEqual(sorted(data_set_hash(path) for path in folder.glob("*.dcm")),
                         sorted(data_set_hash(path) for path in self.files))
        self.change("modules", "edit", settings={"edits": [{"set": "PatientComments", "text": "x"}]})
        self.assertTrue(self.act("retry", uid, **{"from": "process"})["ok"])
        delivered(self.out, 1)
        self.server.wait_until_at_rest()
        self.assertIn("only the results", self.act("retry", uid, **{"from": "process"})["detail"])

    def test_the_series_of_a_study_are_held_and_shown_like_others(self):
        self.out, target = self.folder_target("out")
        self.server = server = self.start_server(config(
            targets={"out": target}, study_forcecomplete_trigger=3600,
            rules={"brain": {"rule": "True", "target": "out", "action_trigger": "study",
                             "study_trigger_condition": "received_series",
                             "study_trigger_series": "'T1' and 'T2' and 'DWI'"}}))
        self.admin = server.token()
        first = self.send("collecting", study_uid="2.25.5", series_description="Ax T1")
        second = self.send("collecting", study_uid="2.25.5", series_description="Sag T2")
        self.assertTrue(self.act("hold", second)["ok"])
        study, = wait_until(lambda: [each for each in self.ask("/studies")["items"] if len(each["series_uids"]) == 2],
                            "both series in the study")
        self.assertEqual(study["required"], [{"text": "t1", "received": True}, {"text": "t2", "received": True},
                                             {"text": "dwi", "received": False}])
        self.assertIsNone(study["complete_at"])
        self.assertEqual(study["deadline_action"], "discard")
        self.assertEqual(study["deadline"][:4], study["created_at"][:4])
        path = f"/studies/{study['id'].replace('#', '%23')}"
        self.assertEqual(self.ask(path)["required"], study["required"])
        self.assertEqual(server.call("POST", path + "/actions/complete", headers=self.admin)[0], 204)
        wait_until(lambda: [self.ask(f"/series/{uid}")["state"] for uid in (first, second)] == ["done", "done"],
                   server.log)
        self.assertEqual({series["id"] for series in self.ask("/series")["items"]}, {first, second})
        task, = server.tasks("success")
        self.assertEqual(list(json.loads((task / ".held").read_text())), [second])
        for uid in (first, second):
            self.assertIn(task.name, [shown["id"] for shown in self.ask(f"/series/{uid}")["tasks"]])
        self.assertTrue(self.act("release", second)["ok"])
        again = self.act("retry", second, **{"from": "start"})
        self.assertTrue(again["ok"], again)
        wait_until(lambda: self.ask("/studies")["items"], "the series in a study of its own")

    def test_a_source_that_is_rejected_says_why_and_is_accepted_with_one_request(self):
        server = self.start(dicom={"address": "127.0.0.1", "accept": [{"calling_ae": "KNOWN"}]})
        files = self.make_series("some", instances=1)
        server.send(*files, calling="KNOWN")
        refused = quicksilver("send", *files, "--to", server.dicom, "--calling", "NEW*", "--called", "ORCHX")
        self.assertNotEqual(refused.returncode, 0)
        source = wait_until(lambda: [source for source in self.ask("/sources")["items"]
                                     if source["calling_ae"] == "NEW*"], "the source that was rejected")[0]
        self.assertIn("dicom.accept", source["rejected"]["last"]["reason"])
        self.assertEqual(source["rejected"]["last"]["called_ae"], "ORCHX")
        path = f"/sources/{source['id'].replace('*', '%2A')}"
        status, _, answer = server.call("POST", path + "/actions/accept", headers=self.admin)
        self.assertEqual(status, 200, answer)
        server.send(*files, calling="NEW*")
        other = quicksilver("send", *files, "--to", server.dicom, "--calling", "NEWER")
        self.assertNotEqual(other.returncode, 0, "a name with a star is no pattern")
        named = server.call("PATCH", path, {"name": "CT in the basement"}, self.admin)
        self.assertEqual((named[0], named[2]["name"]), (200, "CT in the basement"))

    def each_step_of(self, act, check):
        """The server dies before each of its steps on the disk while it does what it is told; then it is started again.
        `check` is told whether it had said that it was done."""
        print(f"QUICKSILVER_CRASH_SEED={SEED}", file=sys.stderr)
        server = self.server
        server.stop()
        step, died = random.Random(SEED).randrange(1, STRIDE + 1), 1
        rounds = 0
        while died:
            server._environment = {"QUICKSILVER_CRASH_AT": str(step)}
            server.launch()
            ready = wait_until(server._ready_line_or_end, server.log)
            done = False
            if ready != "ended":
                server.http = ready.group(2)
                try:
                    done = act()["ok"]
                    wait_until(lambda: server.process.poll() is not None or server.is_at_rest(), server.log)
                except OSError:
                    pass  # it died before it answered
            if server.process.poll() is None and done:
                server.stop()
            died = server.process.wait() == KILLED
            server._environment = None
            server.start()
            with self.subTest(step=step):
                check(done)
            server.stop()
            step += STRIDE
            rounds += 1
        return rounds * STRIDE

    def test_a_series_that_is_said_to_be_held_is_held_whenever_the_server_dies(self):
        server = self.start()
        uid = self.send()
        task, = server.wait_for_tasks("success")

        def check(done):
            held = (task / ".held").exists()
            self.assertTrue(held or not done)
            self.assertEqual(self.ask(f"/series/{uid}")["retention"]["held"], held)
            if held:
                self.assertTrue(self.act("release", uid)["ok"])
        self.assertGreater(self.each_step_of(lambda: self.act("hold", uid), check), 4)

    def test_a_series_is_routed_again_once_and_by_its_rule_whenever_the_server_dies(self):
        server = self.start()
        uid = self.send(instances=2)
        server.wait_for_tasks("success")
        came = 0

        def check(done):
            nonlocal came
            server.wait_until_at_rest()
            now = len(list(self.other.glob("[!.]*/.complete")))
            self.assertIn(now - came, [1] if done else [0, 1], server.log())
            came = now
            # Never by all rules, which would deliver it there once more.
            self.assertEqual(len(list(self.out.glob("[!.]*/.complete"))), 1)
            self.assertEqual(server.tasks("error"), [])
        self.assertGreater(self.each_step_of(lambda: self.act("reroute", uid, rule="never"), check), 20)
        for folder in self.other.glob("[!.]*"):
            self.assertEqual(len(list(folder.glob("*.dcm"))), 2)


if __name__ == "__main__":
    unittest.main()
