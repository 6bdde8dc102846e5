"""A simulated power cut: whatever was acknowledged is whole on the disk and delivered after the next start.

The data folder lies on an ext4 file system in an image file, and that file on XFS. While instances arrive, the image is
cloned in one instant. The clone holds what the kernel had written to the "disk" by then, and nothing of what was only
in its cache: what a machine finds that lost its power. Then a server starts on the clone.
"""

import json
import os
import shutil
import subprocess
import threading
import unittest
from pathlib import Path

from data_sets import data_set_bytes
from server import SystemTest, config, quicksilver, run, wait_until

CUTS = int(os.environ.get("POWER_CUTS", "6"))
SENDERS = 4


def can_mount():
    return os.geteuid() == 0 and Path("/dev/loop-control").exists() and shutil.which("mkfs.xfs")


class Senders:
    """Sends one instance after the other on several threads, and knows which were acknowledged."""

    def __init__(self, files, address):
        self._files = iter(files)
        self._address = address
        self._lock = threading.Lock()
        self._stopped = False
        self._acknowledged = {}
        self._threads = [threading.Thread(target=self._send) for _ in range(SENDERS)]
        for thread in self._threads:
            thread.start()

    def acknowledged(self):
        with self._lock:
            return dict(self._acknowledged)

    def stop(self):
        self._stopped = True
        for thread in self._threads:
            thread.join()

    def _send(self):
        while not self._stopped:
            with self._lock:
                file = next(self._files, None)
            if file is None:
                return
            if quicksilver("send", file, "--to", self._address).returncode == 0:
                with self._lock:
                    self._acknowledged[file.stem] = file


@unittest.skipUnless(can_mount(), "needs root, loop devices and xfsprogs")
class PowerCutTest(SystemTest):
    def setUp(self):
        super().setUp()
        self.disks = self.make_folder("disks")
        self.image(self.folder / "host.img", "3G", "mkfs.xfs", "-q", "-m", "reflink=1")
        self.mount(self.folder / "host.img", self.disks)
        self.image(self.disks / "disk.img", "500M", "mkfs.ext4", "-q")
        self.mount(self.disks / "disk.img", self.make_folder("disk"))

    def test_what_was_acknowledged_survives(self):
        made = [file for number in range(40)
                for file in self.make_series(f"series-{number}", instances=25, rows=128, columns=128,
                                             seed=number + 1)]
        server = self.start_on("disk")
        senders = Senders(made, server.dicom)
        self.addCleanup(senders.stop)
        cuts = []
        for number in range(CUTS):
            wait_until(lambda least=(number + 1) * 40: len(senders.acknowledged()) >= least, "instances acknowledged")
            acknowledged = senders.acknowledged()  # before the cut: what comes later need not be there
            cuts.append((self.cut(number), acknowledged))
        senders.stop()
        server.kill()
        for number, (image, acknowledged) in enumerate(cuts):
            with self.subTest(cut=number, acknowledged=len(acknowledged)):
                self.check(number, image, acknowledged)

    def cut(self, number):
        image = self.disks / f"cut-{number}.img"
        self.must("cp", "--reflink=always", self.disks / "disk.img", image)
        return image

    def check(self, number, image, acknowledged):
        name = f"cut-{number}"
        self.mount(image, self.make_folder(name))
        lock = self.folder / name / "data" / "run" / "quicksilver.lock"
        state = json.loads(lock.read_text())
        lock.write_text(json.dumps(state | {"boot_id": "of the run before the power cut"}))
        server = self.start_on(name)
        server.wait_until_at_rest()
        delivered = {path.name.split("#")[1].removesuffix(".dcm"): path
                     for path in (self.folder / name / "delivered").glob("[!.]*/*.dcm")}
        missing = [uid for uid in acknowledged if uid not in delivered]
        self.assertEqual(missing, [], server.log())
        for uid, file in acknowledged.items():
            self.assertEqual(data_set_bytes(delivered[uid]), data_set_bytes(file), uid)
        self.assertEqual(server.stop(), 0)

    def start_on(self, disk):
        target = self.folder / disk / "delivered"
        target.mkdir(exist_ok=True)
        settings = config(series_complete_trigger=0.5, targets={"t": {"target_type": "folder", "folder": str(target)}},
                          rules={"all": {"rule": "True", "target": ["t"]}})
        return self.start_server(settings, data=self.folder / disk / "data")

    def image(self, file, size, *make_file_system):
        self.must("truncate", "-s", size, file)
        self.must(*make_file_system, file)

    def mount(self, image, folder):
        self.must("mount", "-o", "loop", image, folder)
        self.addCleanup(subprocess.run, ["umount", str(folder)], check=False)

    def must(self, *command):
        done = run(*command)
        self.assertEqual(done.returncode, 0, f"{command}: {done.stderr}")


if __name__ == "__main__":
    unittest.main()
