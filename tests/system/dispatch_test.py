"""Delivery to DICOM peers: what arrives, as whom, and what if the peer is away, dies or is silent."""

import json
import re
import shutil
import socket
import unittest

from data_sets import SAMPLES, data_set_bytes, read, transfer_syntax
from server import SystemTest, config, delivered, end_process, free_port, instances, run, wait_until


class Dispatch(SystemTest):
    def setUp(self):
        super().setUp()
        self.port = free_port()
        self.pacs_log = self.folder / "storescp.log"

    def start_pacs(self, *options):
        """storescp, which keeps the bytes that it gets."""
        stored = self.make_folder("pacs")
        with open(self.pacs_log, "ab") as log:
            process = self.start_process("storescp", "+B", "+xa", "-v", *options, "-od", stored, self.port, output=log)
        wait_until(lambda: run("echoscu", "127.0.0.1", self.port).returncode == 0, "storescp answers")
        return stored, process

    def pacs(self, **fields):
        return {"target_type": "dicom", "ip": "127.0.0.1", "port": str(self.port), "aet_target": "PACS", **fields}

    def start(self, target, **keys):
        self.server = self.start_server(config(
            targets={"pacs": target}, rules={"all": {"rule": "True", "target": "pacs"}}, **keys))
        return self.server

    def test_every_instance_arrives_with_its_bytes(self):
        stored, _ = self.start_pacs()
        self.start(self.pacs())
        series = self.make_series(instances=20)
        self.server.send(*series)
        task, = self.server.wait_for_tasks("success")
        self.assertEqual(sorted(data_set_bytes(path) for path in stored.iterdir()),
                         sorted(data_set_bytes(path) for path in series))
        status = json.loads((task / "task.json").read_text())["dispatch"]["status"]["pacs"]
        self.assertEqual(status["state"], "complete")

    def test_a_compressed_image_is_sent_as_it_is_to_a_peer_that_takes_it(self):
        stored, _ = self.start_pacs()
        self.start(self.pacs())
        sample = SAMPLES / "test_files" / "MR_small_jpeg_ls_lossless.dcm"
        self.server.send(sample)
        self.server.wait_for_tasks("success")
        arrived, = stored.iterdir()
        self.assertEqual(transfer_syntax(arrived), transfer_syntax(sample))
        self.assertEqual(data_set_bytes(arrived), data_set_bytes(sample))

    def test_what_is_compressed_for_a_target_has_the_same_pixels(self):
        stored, _ = self.start_pacs()
        ways = {"rle_lossless": ("1.2.840.10008.1.2.5", "dcmdrle"),
                "jpeg_lossless": ("1.2.840.10008.1.2.4.70", "dcmdjpeg"),
                "jpeg_ls_lossless": ("1.2.840.10008.1.2.4.80", "dcmdjpls")}
        rules = {name: {"rule": f"tags.SeriesNumber == '{number}'", "target": name}
                 for number, name in enumerate(ways, 1)}
        self.server = self.start_server(config(
            targets={name: self.pacs(transfer_syntax=name) for name in ways}, rules=rules))
        for number, (name, (syntax, decompress)) in enumerate(ways.items(), 1):
            with self.subTest(name=name):
                sent, = self.make_series(name, instances=1, seed=number)
                data_set = read(sent)
                data_set.SeriesNumber = str(number)
                data_set.save_as(sent)
                self.server.send(sent)
                self.server.wait_for_tasks("success", number)
                arrived = next(path for path in stored.iterdir() if data_set.SOPInstanceUID in path.name)
                self.assertEqual(transfer_syntax(arrived), syntax)
                plain = self.folder / f"{name}.dcm"
                self.assertEqual(run(decompress, arrived, plain).returncode, 0)
                self.assertEqual(read(plain).PixelData, data_set.PixelData)

    def test_a_big_endian_image_is_converted_for_a_peer_that_does_not_take_it(self):
        stored = self.make_folder("pacs")
        self.start_process("storescp", "+xi", "-od", stored, self.port)
        wait_until(lambda: run("echoscu", "127.0.0.1", self.port).returncode == 0, "storescp answers")
        self.start(self.pacs())
        self.server.send(SAMPLES / "test_files" / "MR_small_bigendian.dcm")
        self.server.wait_for_tasks("success")
        arrived, = stored.iterdir()
        self.assertEqual(transfer_syntax(arrived), "1.2.840.10008.1.2")

    def test_the_target_is_called_by_its_title_and_by_ours_or_the_senders(self):
        self.start_pacs("-d")
        self.server = self.start_server(config(
            dicom={"address": "127.0.0.1", "ae_title": "OURSELVES"},
            targets={"plain": self.pacs(), "passing": self.pacs(pass_sender_aet=True, pass_receiver_aet=True)},
            rules={"ct": {"rule": "tags.Modality == 'CT'", "target": "plain"},
                   "mr": {"rule": "tags.Modality == 'MR'", "target": "passing"}}))
        self.server.send(*self.make_series("ct", modality="CT", instances=1, seed=1), calling="SCANNER", called="US")
        self.server.wait_for_tasks("success", 1)
        self.assertEqual(self.last_call(), ("OURSELVES", "PACS"))
        self.server.send(*self.make_series("mr", modality="MR", instances=1, seed=2), calling="SCANNER", called="US")
        self.server.wait_for_tasks("success", 2)
        self.assertEqual(self.last_call(), ("SCANNER", "US"))

    def last_call(self):
        """Calling and called AE title of the last association, as storescp saw it."""
        log = self.pacs_log.read_text(errors="replace")
        return tuple(re.findall(rf"{name} Application Name:\s*(\S+)", log)[-1] for name in ("Calling", "Called"))

    def test_a_peer_that_is_away_gets_the_series_when_it_is_back(self):
        self.start(self.pacs(), retry_max=1000)
        self.server.send(*self.make_series(instances=3))
        self.server.wait_for_log("delivery failed")
        self.assertEqual(len(self.server.tasks("outgoing")), 1)
        stored, _ = self.start_pacs()
        self.server.wait_for_tasks("success")
        self.assertEqual(len(list(stored.iterdir())), 3)

    def test_only_what_is_missing_is_sent_again(self):
        self.start(self.pacs(), retry_max=1000)
        stored, pacs = self.start_pacs("--sleep-during", "1")
        self.server.send(*self.make_series(instances=6))
        wait_until(lambda: self.confirmed() >= 2, "two confirmed instances")
        end_process(pacs)
        self.server.wait_for_log("delivery failed")
        confirmed = self.confirmed()
        self.assertLess(confirmed, 6)
        shutil.rmtree(stored)
        stored, _ = self.start_pacs()
        self.server.wait_for_tasks("success")
        # An instance whose confirmation was on its way is sent again, no other.
        self.assertEqual(len(list(stored.iterdir())), 6 - confirmed)

    def confirmed(self):
        logs = list((self.server.data / "outgoing").glob("*/sent.log"))
        return len(logs[0].read_text().splitlines()) if logs else 0

    def test_after_the_last_attempt_the_series_is_in_error_with_the_reason(self):
        self.start(self.pacs(), retry_max=2, retry_delay=0.1)
        self.server.send(*self.make_series(instances=2))
        task, = self.server.wait_for_tasks("error")
        self.assertEqual(len(instances(task)), 2)
        file = json.loads((task / "task.json").read_text())
        self.assertEqual(file["info"]["fail_stage"], "DISPATCHING")
        self.assertIn("127.0.0.1", file["info"]["fail_reason"])
        self.assertEqual(file["dispatch"]["status"]["pacs"]["state"], "error")
        self.assertEqual(self.server.log().count("delivery failed"), 2)

    def test_a_silent_target_does_not_hold_up_another(self):
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        out, folder = self.folder_target("out")
        server = self.start_server(config(
            targets={"silent": self.pacs(port=str(silent.getsockname()[1])), "folder": folder},
            rules={"all": {"rule": "True", "target": ["silent", "folder"]}}))
        for number in range(5):
            server.send(*self.make_series(f"series-{number}", instances=1, seed=number))
        delivered(out, 5)
        targets = {target["name"]: target for target in server.pipeline()["targets"]}
        self.assertEqual(targets["silent"]["sent_total"], 0)
        self.assertGreater(targets["silent"]["in_flight"], 0)

    def test_a_delivery_that_waits_goes_on_after_a_restart(self):
        self.start(self.pacs(), retry_max=1000)
        self.server.send(*self.make_series(instances=3))
        self.server.wait_for_log("delivery failed")
        self.assertEqual(self.server.stop(), 0)
        stored, _ = self.start_pacs()
        self.server.start()
        self.server.wait_for_tasks("success")
        self.assertEqual(len(list(stored.iterdir())), 3)

    def test_a_halt_file_suspends_delivery_until_it_goes(self):
        out, folder = self.folder_target("out")
        self.start(folder)
        halt = self.server.data / "outgoing" / "HALT"
        halt.touch()
        self.server.wait_for_log("delivery suspended by HALT")
        self.server.send(*self.make_series(instances=1))
        self.server.wait_for_tasks("outgoing")
        self.assertEqual(list(out.iterdir()), [])
        halt.unlink()
        delivered(out, 1)


if __name__ == "__main__":
    unittest.main()
