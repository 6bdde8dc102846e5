"""What people do to the running pipeline over the REST interface: pauses, tests of targets, and actions on series."""

import json
import shutil
import time
import unittest

from server import SystemTest, config, delivered, free_port, quicksilver, wait_until


class Actions(SystemTest):
    def start(self, targets, rules=None):
        rules = rules or {"all": {"rule": "True", "target": list(targets)}}
        server = self.start_server(config(targets=targets, rules=rules))
        self.admin = server.token()
        return server

    def act(self, server, path, body=None, status=(200, 204)):
        got, _, answer = server.call("POST", path, body, self.admin)
        self.assertIn(got, status, answer)
        return answer

    def ended(self, server, path, body=None):
        """The result of the operation that the request begins."""
        begun = self.act(server, path, body, (202,))

        def look():
            operation = server.call("GET", f"/operations/{begun['id']}", headers=self.admin)[2]
            return operation if operation["state"] != "running" else None
        return wait_until(look, "the end of the operation")

    def test_reception_and_routing_stay_paused_over_a_restart(self):
        out, target = self.folder_target("out")
        server = self.start({"out": target})
        stages = "/pipeline/stages/"
        self.act(server, stages + "route/actions/pause", {"reason": "new rules"})
        server.send(*self.make_series(instances=1))
        self.act(server, stages + "receive/actions/pause", {"reason": "new disk"})
        refused = quicksilver("send", *self.make_series("other", instances=1), "--to", server.dicom)
        self.assertNotEqual(refused.returncode, 0)
        server.stop()
        server.start()
        shown = server.pipeline()["stages"]
        self.assertEqual((shown["receive"]["state"], shown["route"]["state"]), ("paused", "paused"))
        self.assertEqual(shown["receive"]["pause"]["reason"], "new disk")
        wait_until(lambda: server.pipeline()["stages"]["route"]["waiting"] == 1, "the series in the queue")
        self.assertEqual(len(server.tasks("outgoing")), 0)
        self.act(server, stages + "receive/actions/resume")
        self.act(server, stages + "route/actions/resume")
        delivered(out, 1)
        server.send(*self.make_series("third", instances=1))
        delivered(out, 2)
        self.assertFalse((server.data / "run" / "pauses.json").exists())

    def test_a_pause_ends_by_itself_at_its_time(self):
        out, target = self.folder_target("out")
        server = self.start({"out": target})
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3))
        self.act(server, "/pipeline/stages/dispatch/actions/pause", {"reason": "short", "until": until})
        server.send(*self.make_series(instances=1))
        delivered(out, 1)
        self.assertEqual(server.pipeline()["stages"]["dispatch"]["pause"], None)

    def test_targets_are_tested_saved_or_not(self):
        _, target = self.folder_target("out")
        server = self.start({"out": target})
        saved = self.ended(server, "/targets/out/test")
        self.assertTrue(saved["result"]["ok"], saved)
        nobody = {"target_type": "dicom", "ip": "127.0.0.1", "port": str(free_port()), "aet_target": "NOBODY"}
        tried = self.ended(server, "/targets/test", nobody)
        self.assertEqual((tried["state"], tried["result"]["ok"]), ("done", False))
        self.assertEqual(tried["steps"][-1]["name"], "tcp")
        self.assertTrue(tried["steps"][-1]["hint"])

    def test_a_paused_target_holds_its_deliveries_and_the_others_go_on(self):
        held, first = self.folder_target("held")
        out, second = self.folder_target("out")
        server = self.start({"held": first, "out": second})
        self.act(server, "/targets/held/actions/pause")
        server.send(*self.make_series(instances=1))
        delivered(out, 1)
        health = server.call("GET", "/targets/held/health", headers=self.admin)[2]
        self.assertEqual((health["state"], health["waiting"]), ("paused", 1))
        self.act(server, "/targets/held/actions/drain")
        delivered(held, 1)
        wait_until(lambda: server.call("GET", "/targets/held/health", headers=self.admin)[2]["state"] == "paused",
                   "the pause after the drain")
        wait_until(lambda: server.call("GET", "/targets/out/health", headers=self.admin)[2]["deliveries"]["ok"] == 1,
                   "the delivery in the statistics")

    def test_series_are_sent_again_sent_elsewhere_cancelled_and_removed(self):
        out, first = self.folder_target("out")
        other, second = self.folder_target("other")
        server = self.start({"out": first, "other": second}, {"all": {"rule": "True", "target": "out"}})
        server.send(*self.make_series(instances=2))
        series, = wait_until(lambda: server.call("GET", "/series?state=done", headers=self.admin)[2]["items"],
                             "the series in the list")
        chosen = {"ids": [series["id"]]}
        sent, = delivered(out, 1)
        shutil.rmtree(sent)
        self.assertEqual(self.act(server, "/series/actions/resend", chosen)["done"], 1)
        delivered(out, 1)
        server.wait_until_at_rest()
        elsewhere = self.act(server, "/series/actions/resend", {**chosen, "targets": ["other"]})
        self.assertEqual(elsewhere["done"], 1, elsewhere)
        delivered(other, 1)
        server.wait_until_at_rest()
        self.act(server, "/targets/out/actions/pause")
        self.assertEqual(self.act(server, "/series/actions/resend", chosen)["done"], 1)
        server.wait_for_tasks("outgoing")
        # For a moment the dispatcher is still reading it.
        wait_until(lambda: self.act(server, "/series/actions/cancel", chosen)["done"], "the cancelling")
        server.wait_for_tasks("error")
        self.act(server, "/targets/out/actions/resume")
        counted = {"filter": {"modality": series["modality"]}, "expected_count": 1}
        # For a moment the one who put it there is not done with it.
        wait_until(lambda: self.act(server, "/series/actions/delete", counted)["done"], "the removal")
        self.assertEqual(server.tasks("error"), [])
        audit = server.call("GET", "/audit?action=deleteSeries", headers=self.admin)[2]["items"]
        self.assertIn(series["id"], json.dumps(audit))

    def test_a_series_whose_module_failed_is_tried_again_with_the_module_as_it_is_now(self):
        out, target = self.folder_target("out")
        edit = {"runner": "edit-tags", "settings": {"edits": [{"set": "PatientNmae", "text": "x"}]}}
        rule = {"rule": "True", "action": "both", "target": "out", "processing_module": "edit"}
        server = self.start_server(config(targets={"out": target}, rules={"all": rule}, modules={"edit": edit}))
        self.admin = server.token()
        server.send(*self.make_series(instances=1))
        task, = server.wait_for_tasks("error")
        _, headers, module = server.call("GET", "/modules/edit", headers=self.admin)
        module["settings"]["edits"][0]["set"] = "PatientComments"
        put = server.call("PUT", "/modules/edit", module, {**self.admin, "If-Match": headers["ETag"]})
        self.assertEqual(put[0], 200, put)
        wait_until(lambda: self.act(server, "/tasks/actions/retry", {"ids": [task.name]})["done"], "the next try")
        delivered(out, 1)


if __name__ == "__main__":
    unittest.main()
