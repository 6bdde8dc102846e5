"""The server dies before each of its steps on the disk, from reception to delivery, and is started again: what was
acknowledged arrives whole, and a target gets nothing again that it confirmed.

QUICKSILVER_CRASH_STRIDE=1 takes every step, QUICKSILVER_CRASH_SEED repeats a run."""

import json
import os
import random
import shutil
import subprocess
import sys
import unittest

from data_sets import data_set_hash
from dimse_peer import DimsePeer
from server import QUICKSILVER, Server, SystemTest, config, wait_until

INSTANCES = 3
STRIDE = int(os.environ.get("QUICKSILVER_CRASH_STRIDE", "4"))
SEED = int(os.environ.get("QUICKSILVER_CRASH_SEED", str(random.randrange(1_000_000))))


class EveryStep(SystemTest):
    def test_the_server_dies_before_any_step(self):
        print(f"QUICKSILVER_CRASH_SEED={SEED}", file=sys.stderr)
        series = self.make_series(instances=INSTANCES)
        hashes = sorted(data_set_hash(path) for path in series)
        step, died = random.Random(SEED).randrange(1, STRIDE + 1), 0
        while self.crashes(step, series, hashes):
            died += 1
            step += STRIDE
        # A series takes some hundred steps; with far fewer the crash point would not be where it should.
        self.assertGreater(died * STRIDE, 60)

    def crashes(self, step, series, hashes):
        """One round; False when there are fewer steps than that."""
        folder = self.make_folder(f"step-{step}")
        shared = folder / "shared"
        shared.mkdir()
        peer = DimsePeer(self, lambda number, uid: 0)
        settings = config(
            targets={"share": {"target_type": "folder", "folder": str(shared)},
                     "pacs": {"target_type": "dicom", "ip": "127.0.0.1", "port": str(peer.port), "aet_target": "P"}},
            rules={"all": {"rule": "True", "target": ["share", "pacs"]}})
        with self.subTest(step=step):
            server = Server(folder, settings, environment={"QUICKSILVER_CRASH_AT": str(step)})
            self.addCleanup(self._end, server)
            self.live(server, series)
            has_died = server.process.wait() == 137
            confirmed = self.confirmed(server)
            before = len(peer.received)
            again = Server(folder, settings, data=server.data)
            self.addCleanup(self._end, again)
            again.start()
            if not self.acknowledged:
                again.send(*series)
            wait_until(lambda: self.is_delivered(again), again.log)
            self.assertEqual(sorted({data_set_hash(path) for path in shared.glob("[!.]*/*.dcm")}), sorted(set(hashes)))
            self.assertEqual(len(set(peer.received)), INSTANCES)
            self.assertFalse(set(peer.received[before:]) & confirmed, "what was confirmed came again")
            self.assertEqual(again.tasks("error"), [])
            again.stop()
        shutil.rmtree(folder, ignore_errors=True)
        return has_died

    def live(self, server, series):
        """Starts, sends and waits until all is delivered, or the server is dead."""
        self.acknowledged = False
        server.launch()
        wait_until(server._ready_line_or_end, server.log)
        if server.process.poll() is None:
            ready = server._ready_line_or_end()
            if ready != "ended":
                sent = subprocess.run([QUICKSILVER, "send", *map(str, series), "--to", ready.group(1)],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
                self.acknowledged = sent.returncode == 0
        if self.acknowledged:
            done = lambda: server.process.poll() is not None or self.is_delivered(server)
            wait_until(done, server.log)
        if server.process.poll() is None:
            server.stop()

    @staticmethod
    def is_delivered(server):
        return len(server.tasks("success")) >= 2 and server.is_at_rest()  # a task for each target

    @staticmethod
    def confirmed(server):
        """SOP Instance UIDs that the books of the dead server say the PACS has."""
        found = set()
        for log in server.data.glob("*/*/sent.log"):
            for line in log.read_text().splitlines():
                try:
                    record = json.loads(line)
                except ValueError:
                    continue  # torn by the crash
                if record["target"] == "pacs":
                    found.add(record["file"].rpartition("#")[2].removesuffix(".dcm"))
        return found


if __name__ == "__main__":
    unittest.main()
