"""The web side from outside: health, readiness, metrics that move, the pipeline, the page."""

import json
import re
import socket
import unittest

from server import SystemTest, config, delivered, wait_until


class Http(SystemTest):
    def setUp(self):
        super().setUp()
        self.out, target = self.folder_target("out")
        self.server = self.start_server(config(
            targets={"out": target}, rules={"ct": {"rule": "tags.Modality == 'CT'", "target": "out"}}))

    def test_it_is_healthy_and_ready_when_it_says_so(self):
        status, text = self.server.get("/healthz")
        self.assertEqual((status, json.loads(text)["status"]), (200, "ok"))
        status, text = self.server.get("/readyz")
        self.assertEqual((status, json.loads(text)["status"]), (200, "ready"))

    def test_the_counters_move_with_what_happens(self):
        before = self.server.metrics()
        self.server.send(*self.make_series("ct", modality="CT", instances=3, seed=1))
        self.server.send(*self.make_series("mr", modality="MR", instances=2, seed=2))
        delivered(self.out, 1)
        self.server.wait_for_tasks("discard")
        self.server.wait_until_at_rest()
        # Counted a moment after the folder was moved.
        discarded = 'quicksilver_series_total{outcome="discarded"}'
        wait_until(lambda: self.server.metrics()[discarded] > before.get(discarded, 0), "the discarded series counted")
        after = self.server.metrics()

        def moved(name):
            return after[name] - before.get(name, 0)
        self.assertEqual(moved("quicksilver_received_instances_total"), 5)
        self.assertGreater(moved("quicksilver_received_bytes_total"), 5 * 1000)
        self.assertEqual(moved('quicksilver_series_total{outcome="routed"}'), 1)
        self.assertEqual(moved(discarded), 1)
        attempts = [name for name in after if "attempts" in name and '"out"' in name]
        self.assertEqual([moved(name) for name in attempts], [1])

    def test_metrics_are_prometheus_text(self):
        for line in self.server.get("/metrics")[1].splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? [-+.\deE]+)$')

    def test_the_pipeline_tells_stages_targets_and_storage(self):
        self.server.send(*self.make_series(instances=2))
        delivered(self.out, 1)
        self.server.wait_for_tasks("success")
        target, = wait_until(lambda: [one for one in self.server.pipeline()["targets"] if one["sent_total"] == 1],
                             "the delivery is counted")
        self.assertEqual((target["name"], target["type"], target["failed_total"]), ("out", "folder", 0))
        pipeline = self.server.pipeline()
        self.assertEqual(set(pipeline["stages"]), {"receive", "route", "process", "dispatch"})
        self.assertEqual(pipeline["stages"]["receive"]["instances_total"], 2)
        self.assertEqual(pipeline["series"]["routed"], 1)
        self.assertGreater(pipeline["storage"]["total_bytes"], pipeline["storage"]["free_bytes"])

    def test_the_page_and_what_it_needs_load(self):
        status, page = self.server.get("/")
        self.assertEqual(status, 200)
        needed = re.findall(r'(?:src|href)="([\w./-]+\.\w+)"', page)
        self.assertTrue(needed)
        for path in needed:
            with self.subTest(path):
                self.assertEqual(self.server.get("/" + path)[0], 200)

    def test_an_unknown_path_of_the_api_is_a_404_in_json(self):
        status, text = self.server.get("/api/v1/nothing")
        self.assertEqual(status, 404)
        self.assertEqual(json.loads(text)["status"], 404)

    def test_it_listens_on_the_loopback_address_only_unless_told_otherwise(self):
        port = int(self.server.http.rsplit(":", 1)[1])
        self.assertTrue(self.server.http.startswith("http://127.0.0.1:"))
        with socket.socket() as other:
            # 127.0.0.2 is this machine too, but not the address that it listens on.
            self.assertNotEqual(other.connect_ex(("127.0.0.2", port)), 0)


if __name__ == "__main__":
    unittest.main()
