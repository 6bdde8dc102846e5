"""Delivery by SFTP and rsync to a real OpenSSH server with keys of its own."""

import getpass
import json
import os
import stat
import sys
import unittest
from pathlib import Path

from server import SystemTest, config, end_process, free_port, instances, run, wait_until


class DispatchSsh(SystemTest):
    def setUp(self):
        super().setUp()
        self.share = self.make_folder("share")
        self.known_hosts = self.folder / "known_hosts"
        self.key = self.make_key("client")
        self.host_key = self.make_key("host")
        self.port = free_port()
        self.sshd = self.start_sshd()

    def make_key(self, name):
        key = self.folder / f"{name}_key"
        made = run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
        self.assertEqual(made.returncode, 0, made.stderr)
        return key

    def start_sshd(self):
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # sshd insists on it
        settings = self.folder / "sshd_config"
        settings.write_text(f"""
Port {self.port}
ListenAddress 127.0.0.1
HostKey {self.host_key}
AuthorizedKeysFile {self.key}.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
Subsystem sftp internal-sftp
""")
        log = open(self.folder / "sshd.log", "ab")
        self.addCleanup(log.close)
        process = self.start_process("/usr/sbin/sshd", "-D", "-e", "-f", settings, output=log)
        wait_until(lambda: run("ssh-keyscan", "-T", "1", "-p", self.port, "127.0.0.1").stdout,
                   lambda: "sshd answers\n" + (self.folder / "sshd.log").read_text())
        return process

    def target(self, kind, **fields):
        return {"target_type": kind, "host": "127.0.0.1", "port": self.port, "user": getpass.getuser(),
                "folder": str(self.share), "private_key": str(self.key), "known_hosts": str(self.known_hosts), **fields}

    def start(self, target, **keys):
        self.server = self.start_server(config(
            targets={"ssh": target}, rules={"all": {"rule": "True", "target": "ssh"}}, **keys))

    def deliver(self, count=3):
        self.server.send(*self.make_series(instances=count))
        task, = self.server.wait_for_tasks("success")
        return task, self.share / task.name

    def steps_of_test(self):
        """The steps of a test of the target, each as its name and whether it was good."""
        admin = self.server.token()
        begun = self.server.call("POST", "/targets/ssh/test", None, admin)[2]

        def ended():
            operation = self.server.call("GET", f"/operations/{begun['id']}", headers=admin)[2]
            return operation if operation["state"] != "running" else None
        return [(step["name"], step["ok"]) for step in wait_until(ended, "the end of the test")["steps"]]

    def failure(self):
        task, = self.server.wait_for_tasks("error")
        return json.loads((task / "task.json").read_text())["info"]["fail_reason"]

    def assert_delivered(self, task, folder):
        self.assertEqual(instances(folder), instances(task))
        names = {path.name for path in folder.iterdir()}
        tags = {Path(name).with_suffix(".tags").name for name in instances(task)}
        self.assertEqual(names, {*instances(task), *tags, "task.json", ".complete"})
        self.assertEqual(json.loads((folder / min(tags)).read_text())["Modality"], "CT")


class Sftp(DispatchSsh):
    def test_a_series_arrives_whole_with_tags_and_a_marker(self):
        self.start(self.target("sftp"))
        task, folder = self.deliver()
        self.assert_delivered(task, folder)

    def test_a_folder_below_the_home_and_names_with_blanks(self):
        odd = self.make_folder("share/with blanks 'and' #")
        self.start(self.target("sftp", folder=str(odd), file_filter="*.tags, task.json"))
        self.server.send(*self.make_series(instances=2))
        task, = self.server.wait_for_tasks("success")
        names = {path.name for path in (odd / task.name).iterdir()}
        self.assertEqual(names, {*instances(task), ".complete"})

    def test_an_unknown_host_is_remembered_and_a_changed_key_refused(self):
        self.start(self.target("sftp"), retry_max=1)
        self.deliver()
        self.assertIn(f"[127.0.0.1]:{self.port} ssh-ed25519", self.known_hosts.read_text())
        end_process(self.sshd)
        self.host_key = self.make_key("other_host")
        self.start_sshd()
        self.server.send(*self.make_series("again", instances=1, seed=2))
        self.assertIn("host key", self.failure())
        self.assertEqual(len(list(self.share.iterdir())), 1)

    def test_without_trust_an_unknown_host_is_refused_and_a_known_one_taken(self):
        self.start(self.target("sftp", trust_on_first_use=False), retry_max=1000)
        self.server.send(*self.make_series(instances=1))
        self.server.wait_for_log("trust_on_first_use is off")
        self.assertEqual(list(self.share.iterdir()), [])
        self.known_hosts.write_text(run("ssh-keyscan", "-p", self.port, "127.0.0.1").stdout)
        self.server.wait_for_tasks("success")

    def test_a_wrong_key_and_a_folder_without_rights_have_a_reason(self):
        other = self.make_key("somebody")
        self.start(self.target("sftp", private_key=str(other)), retry_max=1)
        self.server.send(*self.make_series(instances=1))
        self.assertIn("log in", self.failure())

    def test_a_test_goes_step_by_step_and_stops_where_it_fails(self):
        self.start(self.target("sftp"))
        good = [(name, True) for name in ("dns", "tcp", "auth", "folder", "write")]
        self.assertEqual(self.steps_of_test(), good)
        self.assertEqual(list(self.share.iterdir()), [])
        self.share.rmdir()
        self.assertEqual(self.steps_of_test(), [*good[:3], ("folder", False)])
        end_process(self.sshd)
        self.assertEqual(self.steps_of_test(), [("dns", True), ("tcp", False)])

    def test_a_host_that_is_away_gets_the_series_when_it_is_back(self):
        end_process(self.sshd)
        self.start(self.target("sftp"), retry_max=1000)
        self.server.send(*self.make_series(instances=2))
        self.server.wait_for_log("delivery failed")
        self.start_sshd()
        task, = self.server.wait_for_tasks("success")
        self.assert_delivered(task, self.share / task.name)


class Rsync(DispatchSsh):
    def test_a_series_arrives_whole_with_tags_and_a_marker(self):
        self.start(self.target("rsync"))
        task, folder = self.deliver()
        self.assert_delivered(task, folder)

    def test_the_script_of_the_folder_runs_when_all_is_there(self):
        script = self.share / "mercure_complete.sh"
        script.write_text('#!/bin/sh\nls "$1"/*.dcm | wc -l > "$1"/count\necho "$2" > "$1"/name\n')
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        self.start(self.target("rsync", run_on_complete=True))
        _, folder = self.deliver(count=4)
        self.assertEqual((folder / "count").read_text().strip(), "4")
        self.assertEqual((folder / "name").read_text().strip(), "ssh")

    def test_a_script_that_fails_is_a_failed_delivery_with_its_words(self):
        script = self.share / "mercure_complete.sh"
        script.write_text("#!/bin/sh\necho the disk of the cluster is full\nexit 1\n")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        self.start(self.target("rsync", run_on_complete=True), retry_max=1)
        self.server.send(*self.make_series(instances=1))
        self.assertIn("the disk of the cluster is full", self.failure())

    def test_a_wrong_key_and_an_unknown_host_have_a_reason(self):
        other = self.make_key("somebody")
        self.start(self.target("rsync", private_key=str(other)), retry_max=1)
        self.server.send(*self.make_series(instances=1))
        self.assertIn("Permission denied", self.failure())

    def test_without_trust_an_unknown_host_is_refused(self):
        self.start(self.target("rsync", trust_on_first_use=False), retry_max=1)
        self.server.send(*self.make_series(instances=1))
        self.assertIn("Host key verification failed", self.failure())

    def test_a_test_goes_step_by_step_and_stops_where_it_fails(self):
        self.start(self.target("rsync", run_on_complete=True))
        good = [(name, True) for name in ("dns", "tcp", "auth", "rsync", "folder", "write")]
        self.assertEqual(self.steps_of_test(), [*good, ("script", False)])
        script = self.share / "mercure_complete.sh"
        script.write_text("#!/bin/sh\n")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        self.assertEqual(self.steps_of_test(), [*good, ("script", True)])
        self.assertEqual(list(self.share.iterdir()), [script])

    def test_files_that_the_filter_names_stay_here(self):
        self.start(self.target("rsync", file_filter="*.tags,task.json"))
        task, folder = self.deliver()
        self.assertEqual({path.name for path in folder.iterdir()}, {*instances(task), ".complete"})


class Password(DispatchSsh):
    """Where no key is wanted."""

    PASSWORD = "an 'odd' \"password\" $HOME"

    def start_sshd(self):
        log = open(self.folder / "sshd.log", "ab")
        self.addCleanup(log.close)
        peer = Path(__file__).with_name("ssh_peer.py")
        process = self.start_process(sys.executable, "-B", peer, self.port, self.host_key, "mercure", self.PASSWORD,
                                     output=log)
        wait_until(lambda: run("ssh-keyscan", "-T", "1", "-p", self.port, "127.0.0.1").stdout,
                   lambda: "the server answers\n" + (self.folder / "sshd.log").read_text())
        return process

    def target(self, kind, **fields):
        return super().target(kind, **{"user": "mercure", "private_key": "", "password": self.PASSWORD, **fields})

    def test_sftp_by_password(self):
        self.start(self.target("sftp"))
        task, folder = self.deliver()
        self.assert_delivered(task, folder)

    def test_rsync_by_password(self):
        self.start(self.target("rsync"))
        task, folder = self.deliver()
        self.assert_delivered(task, folder)

    def test_a_wrong_password_has_a_reason_and_stands_nowhere(self):
        for kind in ("sftp", "rsync"):
            with self.subTest(kind=kind):
                (self.folder / kind).mkdir()
                server = self.make_server(config(
                    targets={"ssh": self.target(kind, password="wr0ng-s3cret")}, retry_max=1,
                    rules={"all": {"rule": "True", "target": "ssh"}}), data=self.folder / kind / "data").start()
                server.send(*self.make_series(kind + "-series", instances=1))
                task, = server.wait_for_tasks("error")
                text = (task / "task.json").read_text()
                self.assertRegex(json.loads(text)["info"]["fail_reason"], "log in|denied")
                for place in (text, server.log(), server.get("/api/v1/tasks", server.token())[1]):
                    self.assertNotIn("wr0ng-s3cret", place)
                server.stop()


if __name__ == "__main__":
    unittest.main()
