"""The web side from outside: health, readiness, metrics that move, the pipeline, the page."""

import json
import re
import socket
import unittest

from server import PASSWORD, SystemTest, config, delivered, wait_until


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
                self.assertEqual(self.server.get("/ui/" + path)[0], 200)

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


class HttpOtherwise(SystemTest):
    def test_the_page_comes_from_a_folder_for_those_who_develop_it(self):
        folder = self.make_folder("web")
        (folder / "index.html").write_text("<html><head></head>mine</html>")
        server = self.start_server(config(), arguments=["--web", folder])
        self.assertIn("mine", server.get("/")[1])
        self.assertIn("mine", server.get("/ui/series/1")[1])
        self.assertEqual(server.get("/ui/status.js")[0], 404)

    def test_behind_a_proxy_it_knows_the_client_and_its_own_address(self):
        settings = config()
        settings["http"].update(prefix="/quicksilver", trusted_proxies=["127.0.0.1"])
        server = self.start_server(settings)
        server.command("user", "add", "anna", "--admin", input=PASSWORD + "\n")
        server.http += "/quicksilver"
        proxy = {"X-Forwarded-For": "203.0.113.5, 198.51.100.7", "X-Forwarded-Proto": "https",
                 "X-Forwarded-Host": "pacs.example"}
        status, headers, session = server.call("POST", "/session", {"username": "anna", "password": PASSWORD}, proxy)
        self.assertEqual(status, 201)
        cookie = headers["Set-Cookie"]
        self.assertRegex(cookie, r"^__Host-quicksilver\.quicksilver=.*; Path=/; HttpOnly; SameSite=Strict; Secure$")
        browser = {**proxy, "Cookie": cookie.split(";")[0], "X-CSRF-Token": session["csrf_token"]}
        rule = {"name": "a", "rule": "True", "target": []}
        foreign = {**browser, "Origin": "https://evil.example"}
        self.assertEqual(server.call("POST", "/rules", rule, foreign)[0], 403)
        status, headers, _ = server.call("POST", "/rules", rule, {**browser, "Origin": "https://pacs.example"})
        self.assertEqual((status, headers["Location"]), (201, "/quicksilver/api/v1/rules/a"))
        audit = server.call("GET", "/audit?action=addRule", headers=browser)[2]["items"]
        self.assertEqual({one["address"] for one in audit}, {"198.51.100.7"})
        self.assertEqual(server.call("GET", "/openapi.json")[2]["servers"], [{"url": "/quicksilver"}])
        status, page = server.get("/")
        self.assertEqual(status, 200)
        self.assertIn('<base href="/quicksilver/ui/" />', page)


if __name__ == "__main__":
    unittest.main()
