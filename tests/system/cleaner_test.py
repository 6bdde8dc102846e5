"""Cleaning: what is old goes in the off-peak hours, and nothing else does."""

import datetime
import os
import unittest

from server import SystemTest, config, wait_until

ALWAYS = {"offpeak_start": "00:00", "offpeak_end": "23:59"}


def never():
    """Off-peak hours that are as far from now as possible."""
    now = datetime.datetime.now(datetime.timezone.utc)
    begin = now + datetime.timedelta(hours=11)
    return {"offpeak_start": f"{begin:%H:%M}", "offpeak_end": f"{begin + datetime.timedelta(hours=1):%H:%M}"}


class Cleaner(SystemTest):
    def start(self, **keys):
        _, target = self.folder_target("out")
        self.server = self.start_server(config(
            targets={"out": target}, cleaner_scan_interval=0.2,
            rules={"ct": {"rule": "tags.Modality == 'CT'", "target": "out"}}, **keys), environment={"TZ": "UTC"})
        return self.server

    def deliver_and_discard(self):
        self.server.send(*self.make_series("ct", modality="CT", instances=1, seed=1))
        self.server.send(*self.make_series("mr", modality="MR", instances=1, seed=2))

    def cleaned(self):
        return self.server.metrics()["quicksilver_cleaned_folders_total"]

    def test_delivered_and_discarded_series_go_after_the_retention_time(self):
        self.start(retention=0.5, **ALWAYS)
        self.deliver_and_discard()
        wait_until(lambda: self.cleaned() == 2, lambda: "two folders cleaned\n" + self.server.log())
        self.assertEqual(self.server.tasks("success") + self.server.tasks("discard"), [])

    def test_what_is_younger_stays(self):
        self.start(retention=3600, **ALWAYS)
        self.deliver_and_discard()
        self.server.wait_for_tasks("success")
        task, = self.server.wait_for_tasks("discard")
        # Only this one gets old, so when it has gone the cleaner has looked at the other too.
        os.utime(task, (0, 0))
        wait_until(lambda: self.cleaned() == 1, "the old folder cleaned")
        self.assertEqual(len(self.server.tasks("success")), 1)

    def test_nothing_goes_outside_the_off_peak_hours(self):
        self.start(retention=0, **never())
        self.deliver_and_discard()
        self.server.wait_for_tasks("success")
        self.server.wait_for_tasks("discard")
        self.server.write_config(config(cleaner_scan_interval=0.2, retention=3600, **ALWAYS))
        self.server.reload()
        self.server.wait_for_log("configuration taken over")
        self.assertEqual(self.cleaned(), 0)
        self.assertEqual(len(self.server.tasks("success") + self.server.tasks("discard")), 2)

    def test_failed_series_and_folders_in_use_stay(self):
        self.start(retention=0.1, **ALWAYS)
        failed = self.server.data / "error" / "failed"
        locked = self.server.data / "success" / "locked"
        for folder in (failed, locked):
            folder.mkdir()
        (locked / ".lock").touch()
        for folder in (failed, locked):
            os.utime(folder, (0, 0))
        self.deliver_and_discard()
        wait_until(lambda: self.cleaned() == 2, "two folders cleaned")
        self.assertTrue(failed.exists())
        self.assertTrue(locked.exists())


if __name__ == "__main__":
    unittest.main()
