"""Processing modules on a real container engine: what the tests share, and those that every engine has to pass."""

import json
import sqlite3
import unittest

import engine
from server import SystemTest, config, delivered, instances, wait_until


class ProcessingCase(SystemTest):
    """A server whose modules run on an engine of the test's own, which has an image for each of `engine.MODULES`."""

    engine_class = engine.Engine
    no_memory = "it used more memory than it may"
    flood_mark = "bytes of output were left out here"

    @classmethod
    def make_engine(cls):
        return cls.engine_class()

    @classmethod
    def setUpClass(cls):
        if cls.engine_class.problem:
            raise unittest.SkipTest(cls.engine_class.problem)
        cls.engine = cls.make_engine()
        cls.addClassCleanup(cls.engine.remove)
        for name, script in engine.MODULES.items():
            cls.engine.make_image(f"{name}:1", script)

    def module(self, name, **fields):
        return {"docker_tag": f"{name}:1", "network_enabled": False, "pull_policy": "never", **fields}

    def settings(self, modules, rule=None, **keys):
        """Every series is processed by these modules and delivered to the folder `first`."""
        self.first, first = self.folder_target("first")
        self.second, second = self.folder_target("second")
        every = {"rule": "True", "action": "both", "target": "first", "processing_module": list(modules)}
        every.update(rule or {})
        processing = {"docker_host": self.engine.host, **keys.pop("processing", {})}
        return config(targets={"first": first, "second": second}, rules={"every": every}, modules=modules,
                      processing=processing, **keys)

    def start(self, modules, **keys):
        self.server = self.start_server(self.settings(modules, **keys))
        return self.server

    def process_one(self, name, **keys):
        """The delivered task of one series that a single module of that name has processed."""
        self.start({name: self.module(name)}, **keys)
        self.series = self.make_series(instances=3)
        self.server.send(*self.series)
        return delivered(self.first, 1)[0]

    def failed(self, name, **keys):
        """The task in error/ after a module has failed, and its reason."""
        self.start({name: self.module(name)}, **keys)
        self.series = self.make_series(instances=2)
        self.server.send(*self.series)
        task, = self.server.wait_for_tasks("error")
        info = json.loads((task / "task.json").read_text())["info"]
        self.assertEqual(info["fail_stage"], "PROCESSING")
        return task, info["fail_reason"]

    def problem(self, name):
        """The text of an open problem, or None."""
        status, _, answer = self.server.call("GET", "/attention", headers=self.server.token())
        self.assertEqual(status, 200, answer)
        return next((item["text"] for item in answer["items"] if item["id"] == name), None)

    def reason_of(self, task):
        return json.loads((task / "task.json").read_text())["info"]["fail_reason"]

    def containers(self):
        return self.engine.containers(self.server, "--all")

    def database(self, query):
        with sqlite3.connect(self.server.data / "db" / "quicksilver.sqlite") as database:
            return database.execute(query).fetchall()

    def wait_for_rows(self, query):
        return wait_until(lambda: self.database(query), f"rows of {query}")

    def complete_log(self):
        logs = "".join(row[0] for row in self.database("SELECT logs FROM processor_logs ORDER BY chunk"))
        return logs if "the very end" in logs else None

    def gated(self, **keys):
        """A module that waits until the file `open` is in its persistence folder."""
        persistence = self.make_folder("persistence")
        self.start({"gate": self.module("gate", requires_persistence=True)}, persistence_folder=str(persistence),
                   **keys)
        self.server.send(*self.make_series(instances=2))
        running = wait_until(lambda: self.engine.containers(self.server), "a container that runs")
        self.container, = running
        return persistence / "gate" / "open"


class CoreTests:
    """To be run on each engine."""

    def test_what_a_module_writes_is_delivered_and_nothing_is_left(self):
        task = self.process_one("copy")
        self.assertEqual(len(instances(task)), 3)
        self.assertEqual(self.server.tasks("processing"), [])
        self.server.wait_for_tasks("success")
        self.assertEqual(self.containers(), [])
        rows = self.wait_for_rows("SELECT module_name, logs FROM processor_logs")
        self.assertEqual(rows[0][0], "copy")
        self.assertRegex(rows[0][1], r"^\d{4}-\d\d-\d\dT[0-9:.]+Z copied\n$")

    def test_a_module_runs_as_us_without_network_and_capabilities(self):
        task = self.process_one("whoami")
        self.assertIn("CapEff:\t0000000000000000", (task / "id.txt").read_text())
        self.assertEqual((task / "net.txt").read_text().split(), ["lo"])
        environment = (task / "env.txt").read_text()
        for variable in ("MERCURE_IN_DIR=/tmp/data", "MONAI_OUTPUTPATH=/tmp/output", "HOLOSCAN_INPUT_PATH=/tmp/data"):
            self.assertIn(variable, environment)
        listing = (task / "ls.txt").read_text()
        self.assertEqual((listing.count(".dcm"), listing.count(".tags"), listing.count("task.json")), (3, 3, 1))

    def test_a_result_is_kept_and_the_module_sees_its_settings(self):
        modules = {"result": self.module("result", settings={"depth": 1, "name": "x"})}
        self.start(modules, rule={"processing_settings": {"depth": 2}})
        self.server.send(*self.make_series(instances=1))
        task, = delivered(self.first, 1)
        seen = json.loads((task / "task-seen.json").read_text())
        self.assertEqual(seen["process"]["settings"], {"depth": 2, "name": "x"})
        self.assertEqual(json.loads((task / "task.json").read_text())["process"]["output"], {"found": 3})
        output = self.wait_for_rows("SELECT module, output, settings FROM processor_outputs")
        self.assertEqual((output[0][0], json.loads(output[0][1])), ("result", {"found": 3}))

    def test_modules_follow_one_another_and_the_originals_can_be_retained(self):
        modules = {"result": self.module("result"), "copy": self.module("copy")}
        self.start(modules, rule={"processing_retain_images": True})
        series = self.make_series(instances=2)
        self.server.send(*series)
        task, = delivered(self.first, 1)
        self.assertEqual(len(instances(task)), 2)
        self.assertEqual(json.loads((task / "result.json").read_text()), [["result", {"found": 3}], ["copy", None]])
        self.assertFalse((task / "task-seen.json").exists())

    def test_a_module_that_fails_keeps_all_that_is_needed_to_run_it_again(self):
        task, reason = self.failed("fail")
        self.assertIn("exit code 3", reason)
        self.assertEqual(len(instances(task / "as_received")), 2)
        self.assertTrue((task / "in" / "task.json").exists())
        rows = self.wait_for_rows("SELECT logs FROM processor_logs")
        self.assertIn("this went wrong", rows[0][0])
        self.assertEqual(self.containers(), [])

    def test_an_image_that_is_not_there_is_named(self):
        self.start({"gone": self.module("gone")})
        self.server.send(*self.make_series(instances=1))
        task, = self.server.wait_for_tasks("error")
        self.assertIn("gone:1", json.loads((task / "task.json").read_text())["info"]["fail_reason"])

    def test_a_module_that_does_not_end_is_ended_after_its_time(self):
        self.start({"sleep": self.module("sleep", timeout=1)})
        self.server.send(*self.make_series(instances=1))
        task, = self.server.wait_for_tasks("error")
        self.assertIn("time-out", json.loads((task / "task.json").read_text())["info"]["fail_reason"])
        self.assertTrue((task / "out" / "asked").exists(), "it was asked to end before it was killed")
        self.assertEqual(self.containers(), [])

    def test_a_container_that_was_made_and_never_started_is_no_run(self):
        gate = self.gated()
        self.server.kill()
        # As if the server had died between both.
        labels = json.loads(self.engine.docker("inspect", "-f", "{{json .Config.Labels}}", self.container).stdout)
        self.engine.docker("rm", "-f", self.container)
        options = [text for name, value in labels.items() for text in ("--label", f"{name}={value}")]
        made = self.engine.docker("create", "--network", "none", *options, "gate:1")
        self.assertEqual(made.returncode, 0, made.stderr)
        gate.touch()
        self.server.start()
        task, = delivered(self.first, 1)
        self.assertEqual(len(instances(task)), 2)
        wait_until(lambda: self.containers() == [], "both containers are gone")

    def test_a_module_that_a_reboot_has_ended_runs_again(self):
        gate = self.gated()
        self.server.kill()
        self.engine.docker("kill", "--signal", "KILL", self.container)
        wait_until(lambda: not self.engine.containers(self.server), "the module has ended")
        gate.touch()
        self.server.start()
        task, = delivered(self.first, 1)
        self.assertEqual(len(instances(task)), 2)

    def test_the_log_of_a_module_that_floods_it_is_limited(self):
        self.process_one("flood")
        self.server.wait_for_tasks("success")
        logs = wait_until(lambda: self.complete_log(), "the end of the log")
        self.assertTrue(self.flood_mark in logs, "a mark where output is left out")
        self.assertLess(len(logs), 9_000_000)

    def test_what_a_module_writes_as_root_belongs_to_us(self):
        self.start({"root": self.module("root", requires_root=True)}, support_root_modules=True)
        self.server.send(*self.make_series(instances=1))
        task, = self.server.wait_for_tasks("success")
        self.assertTrue(all(path.stat().st_mode & 0o777 == 0o644 for path in task.glob("*.dcm")))
        self.assertTrue((task / "sub" / "file").exists())

    def test_a_module_keeps_what_it_puts_into_its_persistence_folder(self):
        persistence = self.make_folder("persistence")
        self.start({"count": self.module("count", requires_persistence=True, persistence_folder_name="counter")},
                   persistence_folder=str(persistence))
        for seed in (1, 2, 3):
            self.server.send(*self.make_series(f"series{seed}", instances=1, seed=seed))
        self.server.wait_for_tasks("success", 3)
        self.assertEqual((persistence / "counter" / "count").read_text(), "3\n")
        self.assertEqual(list((persistence / "counter").glob("*.lock")), [])

    def test_a_module_that_runs_when_the_server_stops_or_dies_is_found_again(self):
        gate = self.gated()
        for end in (self.server.stop, self.server.kill):
            end()
            self.assertEqual(self.containers(), [self.container])
            self.server.start()
            self.server.wait_for_log("a module goes on")
        gate.touch()
        task, = delivered(self.first, 1)
        self.assertEqual(len(instances(task)), 2)
        logs = self.wait_for_rows("SELECT logs FROM processor_logs")
        self.assertEqual("".join(row[0] for row in logs).count("through"), 1)

    def test_a_module_that_ended_while_the_server_was_away_counts(self):
        gate = self.gated()
        self.server.kill()
        gate.touch()
        wait_until(lambda: not self.engine.containers(self.server), "the module has ended")
        self.server.start()
        delivered(self.first, 1)

    def test_containers_that_nobody_wants_are_removed_at_the_start(self):
        self.gated()
        self.server.kill()
        for task in self.server.tasks("processing"):
            (task / ".run.json").unlink()
        self.server.start()
        wait_until(lambda: self.containers() not in ([], [self.container]), "another container")

    def test_a_restart_of_the_engine_costs_nothing(self):
        gate = self.gated()
        self.engine.stop()
        self.assertEqual(len(self.server.tasks("processing")), 1)
        gate.touch()
        self.engine.start()
        delivered(self.first, 1)

    def test_while_the_engine_is_away_tasks_wait_and_the_rest_goes_on(self):
        self.engine.stop()
        self.addCleanup(lambda: self.engine.process.poll() is None or self.engine.start())
        settings = self.settings({"copy": self.module("copy")}, rule={"rule": "tags.Modality == 'CT'"})
        settings["rules"]["mr"] = {"rule": "tags.Modality == 'MR'", "target": "second"}
        self.server = self.start_server(settings)
        self.server.send(*self.make_series("ct", modality="CT", instances=1))
        self.server.wait_for_log("modules cannot run now")
        self.assertIn("cannot be reached", self.problem("runner docker"))
        self.server.send(*self.make_series("mr", modality="MR", instances=1, seed=2))
        delivered(self.second, 1)
        self.assertEqual(len(self.server.tasks("processing")), 1)
        self.engine.start()
        delivered(self.first, 1)
        self.assertIsNone(self.problem("runner docker"))

    def test_a_monai_package_is_started_by_the_command_of_its_manifest(self):
        manifest = {"command": "sh /app/main.sh 'one argument'"}
        script = 'cp "$MONAI_INPUTPATH"/*.dcm /tmp/output; echo "$1" > /tmp/output/word.txt'
        self.engine.make_image("map:1", "exit 77", entrypoint=["sh", "/module.sh"],
                               files={"etc/monai/app.json": json.dumps(manifest), "app/main.sh": script})
        self.start({"map": self.module("map")}, support_root_modules=True)
        self.server.send(*self.make_series(instances=1))
        task, = delivered(self.first, 1)
        self.assertEqual((task / "word.txt").read_text(), "one argument\n")

    def test_a_module_that_may_not_write_to_its_root_still_has_its_folders(self):
        self.start({"write-root": self.module("write-root", docker_arguments={"read_only": True})})
        self.server.send(*self.make_series(instances=1))
        delivered(self.first, 1)
        rows = self.wait_for_rows("SELECT logs FROM processor_logs")
        self.assertIn("the root is closed", rows[0][0])

    def test_a_module_that_takes_too_much_memory_fails_with_that_as_reason(self):
        self.start({"eat-memory": self.module("eat-memory", docker_arguments={"mem_limit": "32m"})})
        self.server.send(*self.make_series(instances=1))
        task, = self.server.wait_for_tasks("error")
        self.assertRegex(self.reason_of(task), self.no_memory)

    def test_of_a_chain_that_fails_originals_and_the_reason_are_left(self):
        persistence = self.make_folder("persistence")
        modules = {"result": self.module("result"), "fail": self.module("fail", requires_persistence=True)}
        self.start(modules, rule={"processing_retain_images": True}, persistence_folder=str(persistence))
        self.server.send(*self.make_series(instances=2))
        task, = self.server.wait_for_tasks("error")
        self.assertIn("module fail ended with exit code 3", self.reason_of(task))
        self.assertEqual(len(instances(task / "as_received")), 2)
        self.assertEqual(list(task.glob(".[a-z]*")), [])
        self.assertEqual(list(persistence.rglob("*.lock")), [])
        self.assertEqual(list(self.first.iterdir()), [])

    def test_a_module_may_give_back_all_that_it_got_as_the_dummy_processor_of_mercure_does(self):
        task = self.process_one("dummy")
        self.assertEqual((len(instances(task)), len(list(task.glob("*.tags")))), (3, 3))
        made = json.loads((task / "task.json").read_text())
        self.assertEqual(made["process"]["output"]["foo"], "bar")
        self.assertEqual(made["dispatch"]["target_name"], ["first"])
        kept, = self.server.wait_for_tasks("success")
        self.assertEqual(instances(kept), instances(task))

    def test_a_module_finds_series_by_the_names_of_the_files_as_the_test_module_of_mercure_does(self):
        self.start({"rename": self.module("rename", settings={"sigma": 5})}, rule={"processing_settings": {"sigma": 7}})
        self.server.send(*self.make_series(instances=2))
        task, = delivered(self.first, 1)
        self.assertEqual({name.split("#")[0] for name in instances(task)}, {"9.9"})
        self.assertIn("7", (task / "settings.txt").read_text())
