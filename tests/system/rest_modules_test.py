"""The REST interface of processing modules, on a real container engine: images, logs, persistence, test runs."""

import json
import socket
import unittest
import urllib.error
import urllib.request
from pathlib import Path

import engine
from server import SystemTest, config, wait_until


class RestModules(SystemTest):
    engine_class = engine.Engine

    @classmethod
    def setUpClass(cls):
        if cls.engine_class.problem:
            raise unittest.SkipTest(cls.engine_class.problem)
        cls.engine = cls.engine_class()
        cls.addClassCleanup(cls.engine.remove)
        for name in ("copy", "result", "fail", "sleep", "gate", "count"):
            cls.engine.make_image(f"{name}:1", engine.MODULES[name])

    def module(self, name, **fields):
        return {"docker_tag": f"{name}:1", "network_enabled": False, "pull_policy": "never", **fields}

    def start(self, modules, rule=None, **keys):
        """Every series is processed by the first module, unless a rule says something else."""
        self.first, target = self.folder_target("first")
        every = {"rule": "True", "action": "both", "target": "first", "processing_module": list(modules)[:1]}
        every.update(rule or {})
        self.settings = config(targets={"first": target}, rules={"every": every}, modules=modules,
                               processing={"docker_host": self.engine.host, **keys.pop("processing", {})}, **keys)
        self.server = self.start_server(self.settings)
        self.admin = self.server.token()
        return self.server

    def call(self, method, path, body=None, headers=None):
        return self.server.call(method, path, body, {**self.admin, **(headers or {})})

    def get(self, path):
        status, _, answer = self.call("GET", path)
        self.assertEqual(status, 200, answer)
        return answer

    def load(self, tar):
        """Sends a file as it lies on the disk."""
        with open(tar, "rb") as body:
            headers = {**self.admin, "Content-Type": "application/x-tar", "Content-Length": str(tar.stat().st_size)}
            request = urllib.request.Request(self.server.http + "/api/v1/modules/images/actions/load", data=body,
                                             headers=headers, method="POST")
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return json.loads(answer.read())
            except urllib.error.HTTPError as error:
                with error:
                    raise AssertionError(error.read()) from error

    def end_of(self, operation):
        """The operation once it has ended."""
        def look():
            now = self.get(f"/operations/{operation['id']}")
            return now if now["state"] != "running" else None
        return wait_until(look, "the end of the operation")

    def uploads(self):
        return list((self.server.data / "uploads").glob("*"))

    def image_names(self):
        names = [name for image in self.get("/modules/images")["items"] for name in image["names"]]
        return [name.split("/")[-1] for name in names]  # Podman's are whole

    def test_images_are_listed_with_their_modules_as_long_as_the_engine_answers(self):
        self.start({"copy": self.module("copy"), "gone": self.module("gone"), "tags": {"runner": "edit-tags"}})
        images = self.get("/modules/images")
        copy, = [image for image in images["items"] if any(name.endswith("copy:1") for name in image["names"])]
        self.assertEqual((copy["used_by"], copy["id"][:7]), (["copy"], "sha256:"))
        self.assertGreater(copy["bytes"], 1000)
        self.assertEqual(images["missing"], [{"module": "gone", "image": "gone:1"}])
        self.engine.stop()
        self.addCleanup(lambda: self.engine.process.poll() is None or self.engine.start())
        status, headers, answer = self.call("GET", "/modules/images")
        self.assertEqual((status, answer["code"]), (503, "engine_away"))
        self.assertIn(self.engine.host.removeprefix("unix://"), answer["detail"])
        self.assertEqual(headers["Retry-After"], "5")
        self.engine.start()
        self.assertIn("copy:1", self.image_names())

    def test_an_image_is_loaded_from_a_file_on_a_machine_without_a_registry(self):
        self.engine.make_image("carried:1", engine.MODULES["copy"])
        tar = self.folder / "carried.tar"
        self.assertEqual(self.engine.docker("save", "-o", tar, "carried:1").returncode, 0)
        self.engine.docker("rmi", "carried:1")
        self.start({"carried": self.module("carried")})
        self.assertNotIn("carried:1", self.image_names())
        ended = self.end_of(self.load(tar))
        self.assertEqual(ended["state"], "done", ended)
        loaded, = ended["result"]["images"]
        self.assertTrue(loaded.endswith("carried:1"))
        self.assertIn("carried:1", self.image_names())
        self.assertGreater(ended["progress"]["total"], 1_000_000)
        wait_until(lambda: not self.uploads(), "the file is removed")
        self.server.send(*self.make_series(instances=1))
        self.server.wait_for_tasks("success")

    def test_a_file_that_is_no_image_is_refused_with_the_words_of_the_engine(self):
        self.start({"copy": self.module("copy")})
        other = self.folder / "other.tar"
        other.write_bytes(b"this is no tar" * 1000)
        ended = self.end_of(self.load(other))
        self.assertEqual(ended["state"], "failed")
        self.assertTrue(ended["problem"]["detail"])
        wait_until(lambda: not self.uploads(), "the file is removed")

    def memory_peak(self):
        """Of the server, in bytes."""
        status = Path(f"/proc/{self.server.process.pid}/status").read_text(encoding="ascii")
        return int(status.split("VmHWM:")[1].split()[0]) * 1024

    def test_a_large_file_costs_no_memory(self):
        self.start({"copy": self.module("copy")})
        large = self.folder / "large.tar"
        with open(large, "wb") as file:
            file.truncate(300_000_000)
        before = self.memory_peak()
        self.assertEqual(self.end_of(self.load(large))["state"], "failed")
        self.assertLess(self.memory_peak() - before, 60_000_000)

    def test_fetching_an_image_can_be_ended(self):
        registry = engine.SilentRegistry()
        self.addCleanup(registry.close)
        self.start({"copy": self.module("copy")})
        status, headers, operation = self.call("POST", "/modules/images/actions/pull", {"image": registry.image})
        self.assertEqual(status, 202)
        self.assertTrue(headers["Location"].endswith(operation["id"]))
        registry.wait_for_a_client()
        self.assertEqual(self.call("DELETE", f"/operations/{operation['id']}")[0], 204)
        self.assertEqual(self.end_of(operation)["state"], "cancelled")

    def test_an_upload_that_a_crash_cuts_off_is_gone_after_the_next_start(self):
        self.start({"copy": self.module("copy")})
        host, port = self.server.http.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall((f"POST /api/v1/modules/images/actions/load HTTP/1.1\r\nHost: {host}\r\n"
                            f"Authorization: {self.admin['Authorization']}\r\nContent-Type: application/x-tar\r\n"
                            "Content-Length: 1000000000\r\n\r\n").encode() + b"x" * 3_000_000)
            wait_until(lambda: any(file.stat().st_size > 1_000_000 for file in self.uploads()), "a part of the upload")
            self.server.kill()
        self.assertEqual(len(self.uploads()), 1)
        self.server.start()
        self.assertEqual(self.uploads(), [])

    def series(self):
        """The series that the server knows, once it does."""
        items = wait_until(lambda: self.get("/series")["items"], "a series in the list")
        return items[0]["id"]

    def gated(self, **keys):
        """A module that runs until the file `open` is in its persistence folder; returns that folder and the task."""
        persistence = self.make_folder("persistence")
        self.start({"gate": self.module("gate", requires_persistence=True), "count": self.module("count")},
                   persistence_folder=str(persistence), **keys)
        self.server.send(*self.make_series(instances=2))
        wait_until(lambda: self.engine.containers(self.server), "a container that runs")
        task, = self.server.tasks("processing")
        return persistence / "gate", task.name

    def follow(self, path):
        request = urllib.request.Request(self.server.http + "/api/v1" + path, headers=self.admin)
        return urllib.request.urlopen(request, timeout=60)

    def read_until(self, stream, text):
        seen = b""
        while text not in seen:
            line = stream.readline()
            self.assertTrue(line, seen)
            seen += line
        return seen

    def test_a_log_is_followed_while_the_module_runs_and_ends_with_it(self):
        self.engine.make_image("talk:1", 'echo begun; while [ ! -e /tmp/persistence/open ]; do sleep 0.1; done;'
                               ' cp /tmp/data/*.dcm /tmp/output; echo ended')
        persistence = self.make_folder("persistence")
        self.start({"talk": self.module("talk", requires_persistence=True)}, persistence_folder=str(persistence))
        self.server.send(*self.make_series(instances=1))
        wait_until(lambda: self.engine.containers(self.server), "a container that runs")
        task, = self.server.tasks("processing")
        with self.follow(f"/tasks/{task.name}/steps/0/log?follow=true") as stream:
            self.assertIn(b"text/event-stream", stream.headers["Content-Type"].encode())
            self.read_until(stream, b"begun")
            (persistence / "talk" / "open").touch()
            seen = self.read_until(stream, b"event: end")
            self.assertIn(b"ended", seen)
            stream.readline()
            self.assertEqual(stream.read().strip(), b"")
        with self.follow(f"/tasks/{task.name}/steps/0/log") as stream:
            self.assertRegex(stream.read().decode(), r"begun\n.* ended\n")

    def test_a_log_that_is_followed_ends_with_the_server(self):
        _, task = self.gated()
        with self.follow(f"/tasks/{task}/steps/0/log?follow=true") as stream:
            self.read_until(stream, b"retry")
            self.assertEqual(self.server.stop(timeout=15), 0)

    def test_what_a_module_keeps_is_changed_only_while_none_runs(self):
        folder, _ = self.gated()
        address = "/modules/gate/persistence"
        status, headers, shown = self.call("GET", address)
        self.assertEqual((status, shown["in_use"], shown["files"]), (200, True, []))
        match = {"If-Match": headers["ETag"]}
        status, _, answer = self.call("PUT", address, {"content": "{}"}, match)
        self.assertEqual((status, answer["code"]), (423, "locked"))
        # The container goes on while the server is away, and is not taken for nobody's afterwards.
        self.server.kill()
        self.server.start()
        self.assertEqual(self.call("PUT", address, {"content": "{}"}, match)[0], 423)
        (folder / "open").touch()
        self.server.wait_for_tasks("success")
        status, headers, _ = self.call("PUT", address, {"content": '{"runs": 1}'}, match)
        self.assertEqual(status, 200)
        self.assertEqual((folder / "persistence.json").read_text(), '{"runs": 1}')
        self.assertEqual(self.call("PUT", address, {"content": "{}"}, match)[0], 412)
        self.assertEqual(self.call("PUT", address, {"content": None}, {"If-Match": headers["ETag"]})[0], 200)
        self.assertFalse((folder / "persistence.json").exists())

    def received(self, modules, **keys):
        """A server with modules that no rule uses, and a series that was delivered."""
        self.start(modules, rule={"action": "route", "processing_module": []}, **keys)
        self.server.send(*self.make_series(instances=3))
        self.server.wait_for_tasks("success")
        wait_until(lambda: self.get("/series?state=done")["items"], "the series in the list")
        return self.series()

    def try_module(self, module, series):
        status, _, operation = self.call("POST", f"/modules/{module}/test-run", {"series_id": series})
        self.assertEqual(status, 202, operation)
        return operation

    def traces(self):
        """What a test run may leave: its folder and its container."""
        return list((self.server.data / "jobs").glob("*")) + self.engine.containers(self.server, "--all")

    def files(self):
        return sorted((path, path.read_bytes()) for path in self.server.data.glob("success/*/*"))

    def test_a_module_is_tried_on_a_series_and_nothing_is_left(self):
        edits = {"edits": [{"remove": "StudyDescription"}]}
        series = self.received({"result": self.module("result", settings={"depth": 2}), "fail": self.module("fail"),
                                "tags": {"runner": "edit-tags", "settings": edits}})
        before, tasks = self.files(), self.get("/tasks")["items"]
        ended = self.end_of(self.try_module("result", series))
        result = ended["result"]
        self.assertEqual((ended["state"], result["ok"], result["exit_code"], result["result"]),
                         ("done", True, 0, {"found": 3}), ended)
        names = [output["name"] for output in result["outputs"]]
        self.assertEqual(len([name for name in names if name.endswith(".dcm")]), 3)
        self.assertIn("task-seen.json", names)
        self.assertGreater(result["seconds"], 0)
        failed = self.end_of(self.try_module("fail", series))["result"]
        self.assertEqual((failed["ok"], failed["exit_code"]), (False, 3))
        self.assertIn("this went wrong", failed["log"])
        edited = self.end_of(self.try_module("tags", series))["result"]
        self.assertEqual((edited["ok"], edited["outputs_total"]), (True, 3), edited)
        self.assertEqual(self.traces(), [])
        self.assertEqual(self.files(), before)
        self.assertEqual(len(list(self.first.iterdir())), 1)
        self.assertEqual(self.get("/tasks")["items"], tasks)
        self.assertEqual(self.call("POST", "/modules/result/test-run", {"series_id": "1.2.3"})[0], 404)

    def test_what_a_tried_module_keeps_is_not_kept(self):
        persistence = self.make_folder("persistence")
        (persistence / "count").mkdir()
        (persistence / "count" / "count").write_text("5\n")
        series = self.received({"count": self.module("count", requires_persistence=True)},
                               persistence_folder=str(persistence))
        self.assertTrue(self.end_of(self.try_module("count", series))["result"]["ok"])
        self.assertEqual((persistence / "count" / "count").read_text(), "5\n")

    def test_trying_a_module_can_be_ended(self):
        series = self.received({"sleep": self.module("sleep")})
        operation = self.try_module("sleep", series)
        wait_until(lambda: self.engine.containers(self.server), "a container that runs")
        self.assertEqual(self.call("DELETE", f"/operations/{operation['id']}")[0], 204)
        self.assertEqual(self.end_of(operation)["state"], "cancelled")
        self.assertEqual(self.traces(), [])

    def test_a_module_that_is_tried_takes_a_slot(self):
        series = self.received({"sleep": self.module("sleep"), "copy": self.module("copy")},
                               processing={"max_parallel": 1})
        first = self.try_module("sleep", series)
        wait_until(lambda: self.engine.containers(self.server), "a container that runs")
        second = self.try_module("copy", series)
        wait_until(lambda: self.get(f"/operations/{second['id']}")["steps"], "the second waits for its turn")
        self.assertEqual(self.get(f"/operations/{second['id']}")["steps"][-1]["name"], "turn")
        self.assertEqual(self.call("DELETE", f"/operations/{first['id']}")[0], 204)
        self.assertTrue(self.end_of(second)["result"]["ok"])

    def test_a_module_that_is_tried_ends_in_its_time(self):
        series = self.received({"sleep": self.module("sleep", timeout=1)})
        ended = self.end_of(self.try_module("sleep", series))
        self.assertEqual(ended["state"], "failed")
        self.assertIn("time-out", ended["problem"]["detail"])
        self.assertEqual(self.traces(), [])

    def test_a_crash_while_a_module_is_tried_leaves_nothing_after_the_next_start(self):
        series = self.received({"sleep": self.module("sleep")})
        self.try_module("sleep", series)
        wait_until(lambda: self.engine.containers(self.server), "a container that runs")
        self.server.kill()
        self.assertEqual(len(self.traces()), 2)
        self.server.start()
        wait_until(lambda: not self.traces(), lambda: f"nothing is left: {self.traces()}")
        self.assertEqual(len(self.server.tasks("success")), 1)

    def test_a_stop_ends_a_module_that_is_tried(self):
        series = self.received({"sleep": self.module("sleep")})
        self.try_module("sleep", series)
        wait_until(lambda: self.engine.containers(self.server), "a container that runs")
        self.assertEqual(self.server.stop(), 0)
        self.assertEqual(self.traces(), [])

    def test_modules_and_rules_tell_how_they_do(self):
        self.start({"copy": self.module("copy"), "gone": self.module("gone")})
        self.server.send(*self.make_series(instances=1))
        self.server.wait_for_tasks("success")

        def module():
            shown = self.get("/modules/copy")
            return shown if shown["statistics"]["median_s"] else None
        copy = wait_until(module, "the statistics of the module")
        self.assertEqual((copy["present"], copy["statistics"]["runs_24h"]), (True, 1))
        self.assertIn("sha256:", copy["digest"])
        self.assertEqual((self.get("/modules/gone")["present"], self.get("/modules/gone")["digest"]), (False, None))
        self.assertEqual(self.get("/rules/every")["statistics"]["matches_24h"], 1)


if __name__ == "__main__":
    unittest.main()
