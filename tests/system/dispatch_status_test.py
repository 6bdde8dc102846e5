"""What a DICOM peer answers to each C-STORE, and what becomes of the series."""

import json
import unittest

from dimse_peer import DimsePeer
from server import SystemTest, config, instances, wait_until


class DispatchStatus(SystemTest):
    def start(self, answer, comment=b"", **keys):
        self.peer = DimsePeer(self, answer, comment=comment)
        target = {"target_type": "dicom", "ip": "127.0.0.1", "port": self.peer.port, "aet_target": "PEER"}
        self.server = self.start_server(config(
            targets={"peer": target}, rules={"all": {"rule": "True", "target": "peer"}}, **keys))

    def test_a_warning_counts_as_stored(self):
        statuses = [0xB000, 0xB006, 0xB007, 0x0000]
        self.start(lambda number, uid: statuses[number - 1])
        self.server.send(*self.make_series(instances=4))
        self.server.wait_for_tasks("success")
        self.assertEqual(len(self.peer.received), 4)
        self.assertIn("warnings=3", self.server.log())

    def test_an_instance_that_fails_is_the_only_one_that_is_sent_again(self):
        failed = []

        def fail_the_third_once(number, uid):
            if number == 3:
                failed.append(uid)
                return 0xC000
            return 0x0000
        self.start(fail_the_third_once)
        self.server.send(*self.make_series(instances=5))
        self.server.wait_for_tasks("success")
        self.assertEqual(len(self.peer.received), 6)
        self.assertEqual(self.peer.received[5], failed[0])
        self.assertEqual(len(set(self.peer.received)), 5)

    def test_a_peer_out_of_resources_is_left_alone_until_the_next_attempt(self):
        self.start(lambda number, uid: 0xA700 if number == 2 else 0x0000)
        self.server.send(*self.make_series(instances=4))
        self.server.wait_for_tasks("success")
        self.assertIn("0xA700", self.server.log())
        # The first, the refused one, and then the three that were not stored.
        self.assertEqual(len(self.peer.received), 5)
        self.assertEqual(self.peer.received[1], self.peer.received[2])

    def test_an_instance_that_always_fails_is_named_in_the_error_folder(self):
        self.start(lambda number, uid: 0x0110, retry_max=2, retry_delay=0.1)
        self.server.send(*self.make_series(instances=2))
        task, = self.server.wait_for_tasks("error")
        self.assertEqual(len(instances(task)), 2)
        reason = json.loads((task / "task.json").read_text())["info"]["fail_reason"]
        self.assertIn("0x0110", reason)
        self.assertIn("2 of 2", reason)

    def test_what_a_peer_says_of_a_patient_is_for_those_who_may_see_patients(self):
        self.start(lambda number, uid: 0xC000, comment=b"Zyxwvut^Quentin\x1b[2J is locked", retry_max=1)
        self.server.send(*self.make_series(instances=1))
        task, = self.server.wait_for_tasks("error")
        admin, viewer = self.server.token(), self.server.token("viewer", ("read",), phi=False)
        identity = json.loads((task / "task.json").read_text())["id"]

        def seen(headers):
            paths = ["/targets/peer/health", "/pipeline", "/attention", "/log", "/series", "/tasks",
                     f"/tasks/{identity}", f"/tasks/{identity}/events", f"/tasks/{identity}/attempts"]
            return {path: json.dumps(self.server.call("GET", path, headers=headers)[2]) for path in paths}
        wait_until(lambda: "Zyxwvut^Quentin" in seen(admin)[f"/tasks/{identity}/events"], "the event of the failure")
        told = seen(admin)
        self.assertIn("Zyxwvut^Quentin\\\\x1b[2J is locked", told["/targets/peer/health"])
        self.assertIn("Zyxwvut", told[f"/tasks/{identity}"])
        for path, text in seen(viewer).items():
            self.assertNotIn("Zyxwvut", text, path)
        self.assertNotIn("Zyxwvut", self.server.log())
        self.assertNotIn("\x1b", self.server.log())


if __name__ == "__main__":
    unittest.main()
