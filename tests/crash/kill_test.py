"""kill -9 at random moments under load: whatever a sender was told is stored gets delivered, whole.

QUICKSILVER_CRASH_SEED repeats a run, QUICKSILVER_CRASH_ROUNDS makes it longer."""

import os
import random
import re
import threading
import unittest

from data_sets import data_set_hash, read
from server import SystemTest, config, run

SENDERS = 4
INSTANCES = 20
ROUNDS = int(os.environ.get("QUICKSILVER_CRASH_ROUNDS", "50"))
LOAD_S = (0.05, 0.6)  # how long the server lives after it got ready


class Template:
    """One phantom instance, of which others are made by writing UIDs of the same length over its own."""

    def __init__(self, file):
        self._content = file.read_bytes()
        data_set = read(file)
        self._instance = str(data_set.SOPInstanceUID).encode()
        self._series = str(data_set.SeriesInstanceUID).encode()
        assert self._content.count(self._instance) == 2 and self._content.count(self._series) == 1

    def write(self, path, numbers, series):
        instance = self._uid(numbers, len(self._instance))
        content = self._content.replace(self._instance, instance.encode()).replace(self._series, series.encode())
        path.write_bytes(content)
        return instance

    def series_uid(self, numbers):
        return self._uid(numbers, len(self._series))

    @staticmethod
    def _uid(numbers, length):
        return "2.25.1" + "".join(numbers.choice("0123456789") for _ in range(length - len("2.25.1")))


class Sender:
    """A modality with one series at a time: it sends again what was not acknowledged, and then makes the next."""

    def __init__(self, folder, template, seed):
        self._folder = folder
        self._template = template
        self._numbers = random.Random(seed)
        self._pending = {}  # path → SOP Instance UID
        self.made = {}  # SOP Instance UID → hash of its data set
        self.acknowledged = set()

    def send_until_it_fails(self, server):
        while True:
            if not self._pending:
                self._make_series()
            sent = run("storescu", "-v", "-R", server.host, server.port, *self._pending,
                       env={"TCP_NODELAY": "1"})
            self._take_acknowledgements(sent.stdout + sent.stderr)
            if sent.returncode != 0:
                return

    def _make_series(self):
        series = self._template.series_uid(self._numbers)
        for number in range(INSTANCES):
            path = self._folder / f"{series}-{number}.dcm"
            uid = self._template.write(path, self._numbers, series)
            self._pending[str(path)] = uid
            self.made[uid] = data_set_hash(path)

    def _take_acknowledgements(self, log):
        path = None
        for line in log.splitlines():
            if found := re.search(r"I: Sending file: (\S+)", line):
                path = found.group(1)
            elif "I: Received Store Response (Success)" in line:
                self.acknowledged.add(self._pending.pop(path))


class KillNine(SystemTest):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("QUICKSILVER_CRASH_SEED", random.SystemRandom().randrange(10**6)))
        self.numbers = random.Random(self.seed)
        # Several, so that each series is handed over by links; parallel and without tags, because everything that a
        # round leaves over waits for the end. One gets studies: the series of all senders are one study.
        made = {name: self.folder_target(name) for name in ("archive", "research", "studies")}
        self.out = [folder for folder, _ in made.values()]
        targets = {name: {**target, "max_parallel": 3, "file_filter": "*.tags"} for name, (_, target) in made.items()}
        rules = {f"to-{name}": {"rule": "True", "target": name} for name in targets}
        rules["to-studies"]["action_trigger"] = "study"
        self.server = self.make_server(config(targets=targets, rules=rules, study_complete_trigger=0.3))

    def test_every_acknowledged_instance_is_delivered_whole(self):
        template = Template(self.make_series(instances=1, bytes=3000)[0])
        senders = [Sender(self.make_folder(f"sender-{number}"), template, f"{self.seed} {number}")
                   for number in range(SENDERS)]
        print(f"QUICKSILVER_CRASH_SEED={self.seed}", flush=True)
        for _ in range(ROUNDS):
            self.run_and_kill(senders)
        self.server.start()
        self.server.wait_until_at_rest(timeout=200)

        made = {uid: expected for sender in senders for uid, expected in sender.made.items()}
        acknowledged = set().union(*(sender.acknowledged for sender in senders))
        print(f"{ROUNDS} kills, {len(made)} instances made, {len(acknowledged)} acknowledged", flush=True)
        self.assertGreater(len(acknowledged), ROUNDS)
        for folder in self.out:
            lost = acknowledged - self.check_delivered(folder, made)
            self.assertEqual(lost, set(), f"not in {folder.name}; seed {self.seed}")
        self.assertEqual(self.server.tasks("error"), [])

    def run_and_kill(self, senders):
        self.server.start()
        threads = [threading.Thread(target=sender.send_until_it_fails, args=(self.server,)) for sender in senders]
        for thread in threads:
            thread.start()
        threading.Event().wait(self.numbers.uniform(*LOAD_S))
        self.server.kill()
        for thread in threads:
            thread.join()

    def check_delivered(self, target, made):
        """The SOP Instance UIDs that were delivered; every file of every delivery is whole."""
        arrived = set()
        for folder in target.iterdir():
            # What a kill left half made is hidden, and never looks like a delivery.
            if folder.name.startswith("."):
                continue
            self.assertTrue((folder / ".complete").exists(), folder)
            for file in folder.glob("*.dcm"):
                uid = file.stem.split("#")[1]
                self.assertEqual(data_set_hash(file), made[uid], f"{file} is not what was sent; seed {self.seed}")
                arrived.add(uid)
        return arrived


if __name__ == "__main__":
    unittest.main()
