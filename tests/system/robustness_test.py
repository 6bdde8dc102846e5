"""A hostile or unlucky environment: silent peers, foreign protocols, full disks, many associations, sudden stops."""

import os
import re
import shutil
import socket
import subprocess
import time
import unittest
from pathlib import Path

from data_sets import data_set_hash, sop_instance_uid
from server import PATIENCE_S, SystemTest, clean_environment, config, delivered, quicksilver, run, wait_until


class Peers(SystemTest):
    def setUp(self):
        super().setUp()
        self.out, self.target = self.folder_target("out")
        self.rules = {"all": {"rule": "True", "target": "out"}}

    def start(self, **keys):
        self.server = self.start_server(config(targets={"out": self.target}, rules=self.rules, **keys))
        return self.server

    def connect(self):
        peer = socket.create_connection((self.server.host, self.server.port), timeout=PATIENCE_S)
        self.addCleanup(peer.close)
        return peer

    def echo(self):
        return run("echoscu", "-to", "10", self.server.host, self.server.port)

    def test_a_hundred_silent_or_half_sent_peers_delay_nobody(self):
        self.start()
        for number in range(100):
            peer = self.connect()
            peer.sendall(b"\x01\x00\x00\x00\x10\x00"[:number % 7])
        began = time.monotonic()
        echoed = self.echo()
        self.assertEqual(echoed.returncode, 0, echoed.stderr)
        self.assertLess(time.monotonic() - began, 10)

    def test_what_is_not_dicom_is_closed_and_the_next_is_served(self):
        self.start()
        for nonsense in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                         bytes(200), b"\x01\x00\xff\xff\xff\xff", b"\x04\x00\x00\x00\x00\x00"):
            with self.subTest(nonsense[:10]):
                peer = self.connect()
                peer.sendall(nonsense)
                self.assertTrue(self.is_closed(peer))
        self.assertEqual(self.echo().returncode, 0)

    @staticmethod
    def is_closed(peer):
        """Whether the other side ends the connection, with or without a last word."""
        try:
            while peer.recv(4096):
                pass
        except ConnectionError:
            pass
        return True

    def test_a_request_of_random_bytes_harms_nobody(self):
        self.start()
        for seed in range(20):
            body = bytes((seed * 131 + index * index * 7) % 256 for index in range(200))
            peer = self.connect()
            peer.sendall(b"\x01\x00\x00\x00\x00\xc8" + body)
            peer.shutdown(socket.SHUT_WR)
            self.assertTrue(self.is_closed(peer))
        self.assertEqual(self.echo().returncode, 0)

    def test_too_many_associations_are_rejected_for_the_moment(self):
        self.start(dicom={"address": "127.0.0.1", "max_associations": 2})
        senders = [self.hold_association() for _ in range(2)]
        wait_until(lambda: self.server.metrics()["quicksilver_associations"] == 2, "both associations")
        rejected = self.echo()
        self.assertNotEqual(rejected.returncode, 0)
        self.assertRegex(rejected.stderr, "(?i)reject|limit|congestion")
        for sender in senders:
            sender.close()
        wait_until(lambda: self.echo().returncode == 0, "a free place")

    def hold_association(self):
        """An association that stays open: a request for verification, as bytes."""
        def item(kind, content):
            return bytes([kind, 0]) + len(content).to_bytes(2, "big") + content
        context = item(0x20, b"\x01\x00\x00\x00" + item(0x30, b"1.2.840.10008.1.1") + item(0x40, b"1.2.840.10008.1.2"))
        user = item(0x50, item(0x51, (16384).to_bytes(4, "big")) + item(0x52, b"1.2.3.4"))
        body = (b"\x00\x01\x00\x00" + b"ANY".ljust(16) + b"HOLDER".ljust(16) + bytes(32)
                + item(0x10, b"1.2.840.10008.3.1.1.1") + context + user)
        peer = self.connect()
        peer.sendall(b"\x01\x00" + len(body).to_bytes(4, "big") + body)
        self.assertEqual(peer.recv(1), b"\x02", "the association was not accepted")
        return peer

    def test_sigterm_ends_within_the_grace_period_whoever_is_connected(self):
        self.start()
        silent = [self.connect() for _ in range(5)]
        self.hold_association()
        began = time.monotonic()
        self.assertEqual(self.server.stop(), 0)
        self.assertLess(time.monotonic() - began, 20)
        self.assertEqual(len(silent), 5)

    def test_a_stop_during_a_transfer_keeps_everything_that_was_acknowledged(self):
        self.start(series_complete_trigger=5)
        series = self.make_series(instances=400, bytes=60000)
        expected = {sop_instance_uid(path): data_set_hash(path) for path in series}
        sender = subprocess.Popen(["storescu", "-v", self.server.host, str(self.server.port), *map(str, series)],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                                  env=clean_environment({"TCP_NODELAY": "1"}))
        self.addCleanup(sender.kill)
        wait_until(lambda: self.server.metrics()["quicksilver_received_instances_total"] > 20, "some instances")
        self.assertEqual(self.server.stop(), 0)
        log, _ = sender.communicate(timeout=PATIENCE_S)
        sent = re.findall(r"Sending file: (\S+)(?:(?!Sending file).)*?Store Response \(Success\)", log, re.S)
        self.assertGreater(len(sent), 20)
        self.assertLess(len(sent), 400)
        self.server.write_config(config(targets={"out": self.target}, rules=self.rules))
        self.server.start()
        self.assertIn("last_stop=clean", self.server.log())
        folder, = delivered(self.out, 1)
        arrived = {path.stem.split("#")[1]: data_set_hash(path) for path in folder.glob("*.dcm")}
        self.assertLessEqual({sop_instance_uid(path) for path in sent}, set(arrived))
        self.assertEqual(arrived, {uid: expected[uid] for uid in arrived})


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("mount"), "only root can mount a small file system")
class FullDisk(SystemTest):
    DISK_BYTES = 6_000_000

    def setUp(self):
        super().setUp()
        disk = self.make_folder("disk")
        mounted = run("mount", "-t", "tmpfs", "-o", f"size={self.DISK_BYTES}", "tmpfs", disk)
        if mounted.returncode != 0:
            self.skipTest(f"mounting is not permitted here: {mounted.stderr.strip()}")
        self.addCleanup(run, "umount", "--lazy", disk)
        self.disk = disk
        self.out, target = self.folder_target("out")
        self.settings = config(targets={"out": target}, rules={"all": {"rule": "True", "target": "out"}},
                               incoming_folder=str(self.stage("incoming")))

    def stage(self, name):
        folder = self.disk / name
        folder.mkdir()
        return folder

    def fill(self, leave_bytes):
        """Takes all but `leave_bytes` of the disk."""
        free = shutil.disk_usage(self.disk).free
        ballast = self.disk / "ballast"
        ballast.write_bytes(bytes(free - leave_bytes))
        return ballast

    def test_what_does_not_fit_is_refused_and_the_rest_is_delivered(self):
        server = self.start_server(self.settings)
        ballast = self.fill(leave_bytes=1_000_000)
        series = self.make_series(instances=40, bytes=60000)
        refused = quicksilver("send", *series, "--to", server.dicom)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("0xA700", refused.stdout)
        self.assertEqual(list(self.disk.rglob("*.part")), [])
        stored = int(re.search(r"(\d+)\s+0x0000", refused.stdout).group(1))
        ballast.unlink()
        server.send(*series)
        server.wait_until_at_rest()
        arrived = {path.stem.split("#")[1]: data_set_hash(path) for path in self.out.rglob("*.dcm")}
        self.assertEqual(arrived, {sop_instance_uid(path): data_set_hash(path) for path in series})
        self.assertGreater(stored, 0)

    def test_below_disk_free_min_nothing_is_taken_and_the_log_says_why(self):
        server = self.start_server({**self.settings, "disk_free_min": "50%"})
        ballast = self.fill(leave_bytes=2_000_000)
        file, = self.make_series(instances=1)
        refused = quicksilver("send", file, "--to", server.dicom)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("0xA700", refused.stdout)
        self.assertIn("disk_free_min", server.log())
        self.assertEqual(list(Path(self.disk / "incoming").iterdir()), [])
        ballast.unlink()
        wait_until(lambda: quicksilver("send", file, "--to", server.dicom).returncode == 0, "room again")
        delivered(self.out, 1)


if __name__ == "__main__":
    unittest.main()
