"""Storage commitment: a task counts as delivered only once the target promised to keep it."""

import json
import unittest

import pydicom

from dimse_peer import DimsePeer
from server import SystemTest, config, free_port, run, wait_until


class Commitment(SystemTest):
    def start(self, peer_port, name="PACS", **keys):
        target = {"target_type": "dicom", "ip": "127.0.0.1", "port": str(peer_port), "aet_target": name,
                  "commitment": True}
        self.server = self.start_server(config(
            targets={"pacs": target}, rules={"all": {"rule": "True", "target": "pacs"}}, **keys))

    def status_of(self, task):
        return json.loads((task / "task.json").read_text())["dispatch"]["status"]["pacs"]

    def test_a_task_is_delivered_when_all_its_instances_are_committed(self):
        peer = DimsePeer(self, lambda number, uid: 0, commit=lambda uids: [])
        self.start(peer.port)
        series = self.make_series(instances=7)
        self.server.send(*series)
        task, = self.server.wait_for_tasks("success")
        self.assertTrue(self.status_of(task)["committed"])
        self.assertEqual(sorted(peer.asked[0]), sorted(pydicom.dcmread(path).SOPInstanceUID for path in series))

    def test_only_what_is_not_kept_is_sent_again(self):
        refusals = []

        def lose_two_at_first(uids):
            refusals.append([] if refusals else sorted(uids)[:2])
            return refusals[-1]
        peer = DimsePeer(self, lambda number, uid: 0, commit=lose_two_at_first)
        self.start(peer.port)
        self.server.send(*self.make_series(instances=6))
        task, = self.server.wait_for_tasks("success")
        self.assertEqual(sorted(peer.received[6:]), refusals[0])
        self.assertEqual(len(peer.asked), 2)
        self.assertIn("no such instance there", self.server.log())
        self.assertTrue(self.status_of(task)["committed"])

    def test_a_peer_without_the_service_is_a_clear_failure_and_has_the_instances(self):
        port = free_port()
        stored = self.make_folder("stored")
        self.start_process("storescp", "-od", stored, port)
        wait_until(lambda: run("echoscu", "127.0.0.1", port).returncode == 0, "storescp answers")
        self.start(port, retry_max=1)
        self.server.send(*self.make_series(instances=3))
        task, = self.server.wait_for_tasks("error")
        self.assertIn("does not offer Storage Commitment", self.status_of(task)["reason"])
        self.assertEqual(len(list(stored.iterdir())), 3)

    def test_orthanc_reports_on_an_association_of_its_own(self):
        ours, port, http = free_port(), free_port(), free_port()
        settings = self.folder / "orthanc.json"
        settings.write_text(json.dumps({
            "HttpPort": http, "DicomPort": port, "DicomAet": "ORTHANC", "AuthenticationEnabled": False,
            "RemoteAccessAllowed": False, "DicomAlwaysAllowStore": True, "Plugins": [],
            "DicomModalities": {"us": ["QUICKSILVER", "127.0.0.1", ours]},
            "StorageDirectory": str(self.folder / "orthanc"), "IndexDirectory": str(self.folder / "orthanc")}))
        log = open(self.folder / "orthanc.log", "wb")
        self.addCleanup(log.close)
        self.start_process("Orthanc", settings, output=log)
        wait_until(lambda: run("echoscu", "127.0.0.1", port).returncode == 0, "Orthanc answers")
        self.start(port, "ORTHANC", port=ours)
        self.server.send(*self.make_series(instances=5))
        task, = self.server.wait_for_tasks("success")
        self.assertTrue(self.status_of(task)["committed"])
        self.assertIn("storage commitment reported", self.server.log())

    def test_a_silent_peer_does_not_hold_up_the_stop(self):
        peer = DimsePeer(self, lambda number, uid: 0, commit=lambda uids: None)
        self.start(peer.port)
        self.server.send(*self.make_series(instances=2))
        wait_until(lambda: peer.asked, "the request for commitment")
        self.assertEqual(self.server.stop(timeout=15), 0)


if __name__ == "__main__":
    unittest.main()
