"""The network to a target goes away in the middle of a delivery, and comes back: everything arrives, nothing twice that
was confirmed. The target lives in a network namespace of its own, so this needs root."""

import os
import shutil
import threading
import unittest

import pydicom

from server import SystemTest, config, run, wait_until

NAME = f"qs{os.getpid() % 100_000}"
OURS, THEIRS = "198.18.77.1", "198.18.77.2"  # for tests of networks (RFC 2544)
PORT = 11112
INSTANCES = 150  # storescp without TCP_NODELAY takes some 40 ms for each


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("ip"), "needs root and iproute2")
class NetworkDown(SystemTest):
    def setUp(self):
        super().setUp()
        self.ip("netns", "add", NAME)
        self.addCleanup(run, "ip", "netns", "del", NAME)
        self.ip("link", "add", f"{NAME}a", "type", "veth", "peer", "name", f"{NAME}b")
        self.addCleanup(run, "ip", "link", "del", f"{NAME}a")
        self.ip("link", "set", f"{NAME}b", "netns", NAME)
        self.ip("addr", "add", f"{OURS}/30", "dev", f"{NAME}a")
        self.ip("link", "set", f"{NAME}a", "up")
        self.ip("-n", NAME, "addr", "add", f"{THEIRS}/30", "dev", f"{NAME}b")
        self.ip("-n", NAME, "link", "set", f"{NAME}b", "up")
        self.stored = self.make_folder("stored")
        self.start_process("ip", "netns", "exec", NAME, "storescp", "--fork", "+B", "-od", self.stored, PORT)
        wait_until(lambda: run("echoscu", "-to", "2", THEIRS, PORT).returncode == 0, "storescp answers")

    def ip(self, *words):
        done = run("ip", *words)
        self.assertEqual(done.returncode, 0, f"ip {words}: {done.stderr}")

    def test_a_delivery_survives_a_network_that_is_down_for_a_while(self):
        target = {"target_type": "dicom", "ip": THEIRS, "port": PORT, "aet_target": "PACS"}
        server = self.start_server(config(targets={"pacs": target}, rules={"all": {"rule": "True", "target": "pacs"}},
                                          retry_max=100))
        series = self.make_series(instances=INSTANCES)
        server.send(*series)
        wait_until(lambda: len(list(self.stored.iterdir())) > 10, "the delivery begins")
        self.ip("link", "set", f"{NAME}a", "down")
        threading.Event().wait(3)  # an outage has a length; nothing is hoped for meanwhile
        arrived = len(list(self.stored.iterdir()))
        self.ip("link", "set", f"{NAME}a", "up")
        server.wait_for_tasks("success")
        self.assertLess(arrived, INSTANCES, "the delivery was over before the network went down")
        uids = {pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID for path in self.stored.iterdir()}
        self.assertEqual(uids, {pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID for path in series})


if __name__ == "__main__":
    unittest.main()
