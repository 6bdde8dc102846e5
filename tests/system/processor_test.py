"""Processing modules on Docker: what they get, what becomes of what they make, and failures."""

import getpass
import json
import unittest
from pathlib import Path

import engine
from processor_case import CoreTests, ProcessingCase
from server import delivered, free_port, instances, run, wait_until
from tls_test import make_authority, make_certificate


class Processing(CoreTests, ProcessingCase):
    def test_a_result_may_be_an_array(self):
        task = self.process_one("array")
        self.assertIsNone(json.loads((task / "task.json").read_text())["process"]["output"])
        self.assertEqual(json.loads((task / "result.json").read_text()), [1, 2])

    def test_a_module_may_choose_another_target_or_none(self):
        self.start({"reroute": self.module("reroute")}, rule={"dynamic_routing": True})
        self.server.send(*self.make_series(instances=1))
        delivered(self.second, 1)
        self.assertEqual(list(self.first.iterdir()), [])
        self.server.stop()
        self.server.write_config(self.settings({"discard": self.module("discard")}, rule={"dynamic_routing": True}))
        self.server.start()
        self.server.send(*self.make_series("other", instances=1, seed=2))
        self.server.wait_for_tasks("success", 2)
        self.assertEqual(list(self.first.iterdir()), [])

    def test_output_that_is_no_dicom_or_missing_is_a_failure(self):
        self.assertIn("no DICOM file", self.failed("no-dicom")[1])
        self.server.stop()
        self.server.write_config(self.settings({"nothing": self.module("nothing")}))
        self.server.start()
        self.server.send(*self.make_series("other", instances=1, seed=2))
        self.server.wait_for_tasks("error", 2)
        self.server.wait_for_log("wrote nothing")

    def test_links_and_special_files_of_a_module_go_nowhere(self):
        task = self.process_one("link")
        self.assertEqual(len(instances(task)), 3)
        self.assertFalse((task / "passwd.txt").exists())
        success, = self.server.wait_for_tasks("success")
        self.assertFalse((success / "pipe").exists())

    def test_inputs_may_be_changed_unless_they_are_linked(self):
        self.start({"change-input": self.module("change-input", link_inputs=True)})
        self.server.send(*self.make_series(instances=1))
        task, = delivered(self.first, 1)
        self.assertTrue(all(content[128:132] == b"DICM" for content in instances(task).values()))
        self.server.stop()
        self.server.write_config(self.settings({"change-input": self.module("change-input")}))
        self.server.start()
        self.server.send(*self.make_series("other", instances=1, seed=2))
        task, = self.server.wait_for_tasks("error")
        self.assertTrue(all(content[128:132] == b"DICM" for content in instances(task / "as_received").values()))

    def test_a_module_that_fills_the_disk_fails_and_its_inputs_are_kept(self):
        small = self.make_folder("small")
        if run("mount", "-t", "tmpfs", "-o", "size=16m", "none", small).returncode != 0:
            self.skipTest("no file system can be mounted here")
        self.addCleanup(run, "umount", "-l", small)
        self.start({"fill-disk": self.module("fill-disk")}, processing_folder=str(small / "processing"))
        self.server.send(*self.make_series(instances=2))
        task, = self.server.wait_for_tasks("error")
        self.assertIn("disk was full", json.loads((task / "task.json").read_text())["info"]["fail_reason"])
        self.assertEqual(len(instances(task / "as_received")), 2)

    def test_a_crash_while_results_are_collected_costs_nothing(self):
        self.start({"many": self.module("many")})
        self.server.send(*self.make_series(instances=2))
        wait_until(lambda: self.engine.containers(self.server), "the module runs")
        wait_until(lambda: not self.engine.containers(self.server), "the module has ended")
        self.server.kill()
        self.server.start()
        task, = delivered(self.first, 1)
        self.assertEqual((len(instances(task)), len(list(task.glob("*.txt")))), (2, 2000))
        self.server.wait_for_tasks("success")
        self.assertEqual(self.server.tasks("processing"), [])

    def test_a_crash_while_the_image_is_fetched_costs_nothing(self):
        registry = engine.SilentRegistry()
        self.addCleanup(registry.close)
        self.start({"copy": self.module("copy", docker_tag=registry.image, pull_policy="always")})
        self.server.send(*self.make_series(instances=2))
        registry.wait_for_a_client()
        self.server.kill()
        self.engine.docker("tag", "copy:1", registry.image)
        registry.close()
        self.server.start()
        task, = delivered(self.first, 1)
        self.assertEqual(len(instances(task)), 2)

    def test_an_image_comes_from_its_registry_at_most_once_an_hour(self):
        registry = engine.Registry(self.engine, "copy:1")
        self.addCleanup(registry.close)
        for policy, asked in (("never", 0), ("missing", 1), ("missing", 1), ("always", 2)):
            self.server = self.start_server(self.settings(
                {"copy": self.module("copy", docker_tag=registry.image, pull_policy=policy)}))
            seed = len(list(self.first.iterdir())) + 1
            rounds = 2 if policy == "always" else 1
            for number in range(rounds):
                self.server.send(*self.make_series(f"series{seed + number}", instances=1, seed=seed + number))
                if policy == "never":
                    task, = self.server.wait_for_tasks("error")
                    self.assertIn("pull_policy is never", self.reason_of(task))
                else:
                    tasks = delivered(self.first, seed + number)
            self.assertEqual(registry.asked, asked, policy)
            self.server.stop()
        for task in tasks:
            self.assertEqual(json.loads((task / "task.json").read_text())["process"]["image"], registry.reference)

    def test_a_module_that_does_not_hear_is_killed(self):
        self.start({"stubborn": self.module("stubborn", timeout=1)})
        self.server.send(*self.make_series(instances=1))
        task, = self.server.wait_for_tasks("error")
        self.assertIn("time-out", self.reason_of(task))
        self.assertEqual(self.containers(), [])

    def test_twenty_series_at_once_are_all_processed(self):
        self.start({"copy": self.module("copy")}, processing={"max_parallel": 4})
        for seed in range(20):
            self.server.send(*self.make_series(f"series{seed}", instances=2, seed=seed))
        self.assertEqual(len(delivered(self.first, 20)), 20)

    def test_while_the_image_is_fetched_a_task_can_be_cancelled_and_runs_out_of_time(self):
        registry = engine.SilentRegistry()
        self.addCleanup(registry.close)
        silent = self.module("silent", docker_tag=registry.image, pull_policy="always")
        self.start({"silent": silent})
        self.server.send(*self.make_series(instances=1))
        registry.wait_for_a_client()
        task, = self.server.tasks("processing")
        status, _, answer = self.server.call("POST", "/tasks/actions/cancel", {"ids": [task.name]}, self.server.token())
        self.assertIn(status, (200, 204), answer)
        task, = self.server.wait_for_tasks("error")
        self.assertIn("cancelled", self.reason_of(task))
        self.server.stop()
        self.server.write_config(self.settings({"silent": {**silent, "timeout": 1}}))
        self.server.start()
        self.server.send(*self.make_series("other", instances=1, seed=2))
        tasks = self.server.wait_for_tasks("error", 2)
        self.assertEqual(sum("time-out" in self.reason_of(task) for task in tasks), 1)

    def test_a_module_that_runs_can_be_cancelled(self):
        self.start({"sleep": self.module("sleep")})
        self.server.send(*self.make_series(instances=1))
        wait_until(lambda: self.engine.containers(self.server), "the module runs")
        task, = self.server.tasks("processing")
        self.server.call("POST", "/tasks/actions/cancel", {"ids": [task.name]}, self.server.token())
        task, = self.server.wait_for_tasks("error")
        self.assertIn("cancelled", self.reason_of(task))
        self.assertEqual(self.containers(), [])

    def test_logs_are_kept_in_files_or_not_at_all_when_the_server_says_so(self):
        store = self.make_folder("logs")
        self.start({"copy": self.module("copy")}, processing_logs={"logs_file_store": str(store)})
        self.server.send(*self.make_series(instances=1))
        task, = delivered(self.first, 1)
        log, = store.rglob("*.txt")
        self.assertEqual((log.parent.name, log.name), (task.name, "copy.0.txt"))
        self.assertRegex(log.read_text(), "copied\n$")
        self.server.stop()
        self.server.write_config(self.settings({"copy": self.module("copy")}, processing_logs={"discard_logs": True}))
        self.server.start()
        self.server.send(*self.make_series("other", instances=1, seed=2))
        self.server.wait_for_tasks("success", 2)
        self.server.stop()
        self.assertEqual(len(list(store.rglob("*.txt"))), 1)
        self.assertEqual(self.database("SELECT logs FROM processor_logs WHERE logs LIKE '%copied%'"), [])

    def test_what_the_server_forbids_is_left_out(self):
        models = self.make_folder("models")
        (models / "name").write_text("large")
        module = self.module("volumes", additional_volumes={str(models): {"bind": "/models", "mode": "ro"}})
        for forbidden in (False, True):
            environment = {"MERCURE_FORBID_UNSAFE_VOLUMES": "1"} if forbidden else {}
            self.server = self.make_server(self.settings({"volumes": module}), environment=environment)
            self.server.start()
            self.server.send(*self.make_series(f"forbidden-{forbidden}", instances=1, seed=int(forbidden) + 1))
            tasks = delivered(self.first, int(forbidden) + 1)
            roots = [(task / "root.txt").read_text() for task in tasks]
            self.assertEqual(sum("models\n" not in root for root in roots), int(forbidden))
            self.assertEqual(sum(root.endswith("large") for root in roots), 1)
            self.server.stop()

    def test_reports_and_folders_go_on_to_targets_that_take_files(self):
        targets = {"first": None, **self.ssh_targets()}
        settings = self.settings({"report": self.module("report")}, rule={"target": list(targets)})
        settings["targets"].update({name: target for name, target in targets.items() if target})
        self.server = self.start_server(settings)
        self.server.send(*self.make_series(instances=2))
        task, = self.server.wait_for_tasks("success")
        for place in (self.first, self.share / "sftp", self.share / "rsync"):
            delivery = next(path for path in place.iterdir() if task.name in path.name)
            self.assertEqual(len(instances(delivery)), 2, place)
            self.assertEqual((delivery / "report.pdf").read_text(), "%PDF\n", place)
            self.assertEqual((delivery / "sub" / "numbers.csv").read_text(), "1\n", place)

    def ssh_targets(self):
        """An sftp and an rsync target on an OpenSSH server of the test's own."""
        self.share = self.make_folder("share")
        for name in ("sftp", "rsync"):
            (self.share / name).mkdir()
        keys = {}
        for name in ("host", "client"):
            keys[name] = self.folder / f"{name}_key"
            self.assertEqual(run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", keys[name]).returncode, 0)
        port = free_port()
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd insists on it
        settings = self.folder / "sshd_config"
        settings.write_text(f"Port {port}\nListenAddress 127.0.0.1\nHostKey {keys['host']}\nPidFile none\n"
                            f"AuthorizedKeysFile {keys['client']}.pub\nStrictModes no\nPermitRootLogin yes\n"
                            "Subsystem sftp internal-sftp\n")
        self.start_process("/usr/sbin/sshd", "-D", "-f", settings)
        wait_until(lambda: run("ssh-keyscan", "-T", "1", "-p", port, "127.0.0.1").stdout, "sshd answers")
        return {name: {"target_type": name, "host": "127.0.0.1", "port": port, "user": getpass.getuser(),
                       "folder": str(self.share / name), "private_key": str(keys["client"]),
                       "known_hosts": str(self.folder / "known_hosts")} for name in ("sftp", "rsync")}


class EngineByTls(ProcessingCase):
    """An engine at a port that takes only clients with a certificate."""

    @classmethod
    def make_engine(cls):
        cls.certificates = cls.enterClassContext(engine.temporary_file("ca.pem")).parent
        authority = make_authority(cls.certificates, "ca")
        for name, who in (("server", "localhost"), ("client", "client")):
            certificate, key = make_certificate(cls.certificates, who, authority)
            certificate.rename(cls.certificates / ("cert.pem" if name == "client" else "server.pem"))
            key.rename(cls.certificates / ("key.pem" if name == "client" else "server.key"))
        cls.port = free_port()
        return engine.Engine(options=["-H", f"tcp://127.0.0.1:{cls.port}", "--tlsverify",
                                      "--tlscacert", cls.certificates / "ca.pem",
                                      "--tlscert", cls.certificates / "server.pem",
                                      "--tlskey", cls.certificates / "server.key"])

    def test_modules_run_on_it_when_the_server_has_a_certificate(self):
        keys = {"docker_host": f"tcp://localhost:{self.port}"}
        self.start({"copy": self.module("copy")}, processing=keys)
        self.server.send(*self.make_series(instances=1))
        self.server.wait_for_log("modules cannot run now")
        self.server.stop()
        self.server.write_config(self.settings({"copy": self.module("copy")}, processing={
            **keys, "docker_certificates": str(self.certificates)}))
        self.server.start()
        task, = delivered(self.first, 1)
        self.assertEqual(len(instances(task)), 1)


class GraphicsProcessors(ProcessingCase):
    """An engine with a runtime `nvidia` that writes down that it was called, and is runc otherwise."""

    @classmethod
    def make_engine(cls):
        cls.calls = cls.enterClassContext(engine.temporary_file("nvidia-calls"))
        cls.runtime = cls.enterClassContext(engine.temporary_file("nvidia-runtime"))
        cls.runtime.write_text(f'#!/bin/sh\necho "$@" >> {cls.calls}\nexec runc "$@"\n')
        cls.runtime.chmod(0o755)
        return engine.Engine(runtimes={"nvidia": str(cls.runtime)})

    def test_a_module_or_the_server_may_ask_for_the_runtime(self):
        runs = 0
        for number, (fields, keys) in enumerate([({}, {}), ({"docker_arguments": '{"runtime": "nvidia"}'}, {}),
                                                 ({}, {"processing_runtime": "nvidia"})]):
            settings = self.settings({"copy": self.module("copy", **fields)}, processing={"gpus": 1}, **keys)
            self.server = self.start_server(settings)
            self.server.send(*self.make_series(f"series{number}", instances=1, seed=number + 1))
            self.server.wait_for_tasks("success", number + 1)
            self.server.stop()
            calls = self.calls.read_text().count("create")
            self.assertEqual(calls > runs, number > 0)
            runs = calls

    def test_a_runtime_or_driver_that_the_engine_lacks_is_named_with_what_to_do(self):
        for number, (fields, words) in enumerate([({"docker_arguments": {"runtime": "other"}}, "daemon.json"),
                                                  ({"gpus": 1}, "NVIDIA container toolkit")]):
            settings = self.settings({"copy": self.module("copy", **fields)}, processing={"gpus": 1})
            self.server = self.start_server(settings)
            self.server.send(*self.make_series(f"series{number}", instances=1, seed=number + 1))
            tasks = self.server.wait_for_tasks("error", number + 1)
            reasons = [self.reason_of(task) for task in tasks]
            self.assertEqual(sum(words in reason for reason in reasons), 1, reasons)
            self.assertEqual(self.containers(), [])
            self.server.stop()


if __name__ == "__main__":
    unittest.main()
