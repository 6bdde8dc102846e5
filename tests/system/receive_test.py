"""Reception from DCMTK's programs: verification, every transfer syntax, provenance, repetitions, refusals."""

import array
import json
import socket
import unittest

from data_sets import SAMPLES, data_set_bytes, data_set_hash, read, transfer_syntax
from server import SystemTest, config, delivered, instances, quicksilver, run, wait_until

IMPLICIT, EXPLICIT, BIG, DEFLATED = (
    "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99")


def pixels(path):
    """The pixel data as numbers where they are not compressed, so that the byte order does not matter."""
    data_set = read(path)
    if data_set.file_meta.TransferSyntaxUID.is_encapsulated:
        return data_set.PixelData
    swap = data_set.file_meta.TransferSyntaxUID == BIG and data_set.BitsAllocated == 16
    numbers = array.array("H", data_set.PixelData)
    if swap:
        numbers.byteswap()
    return numbers


class Reception(SystemTest):
    def start(self, **keys):
        self.out, target = self.folder_target("out")
        self.server = self.start_server(config(
            targets={"out": target}, rules={"all": {"rule": "True", "target": "out"}}, **keys))
        return self.server

    def storescu(self, *arguments):
        return run("storescu", *arguments[:-1], self.server.host, self.server.port, arguments[-1])

    def only_instance(self):
        folder, = delivered(self.out, 1)
        instance, = folder.glob("*.dcm")
        return instance

    def test_echoscu_is_answered_whatever_the_ae_titles(self):
        self.start()
        for called in ("ANY-SCP", "NOBODY KNOWS ME"):
            echoed = run("echoscu", "-aet", "SOMEBODY", "-aec", called, self.server.host, self.server.port)
            self.assertEqual(echoed.returncode, 0, echoed.stderr)

    def next_instance(self, known):
        """The one instance of the delivery that is not among `known`."""
        def found():
            return [path.parent for path in self.out.glob("[!.]*/.complete") if path.parent not in known]
        folder, = wait_until(found, lambda: "another delivery\n" + self.server.log())
        known.add(folder)
        instance, = folder.glob("*.dcm")
        return instance

    def test_each_native_syntax_is_kept_as_it_was_sent(self):
        self.start()
        sample = SAMPLES / "test_files" / "CT_small.dcm"
        known = set()
        # storescu offers little endian beside big endian, and little endian is what we like better.
        for option, syntax in (("-xi", IMPLICIT), ("-xe", EXPLICIT), ("-xb", EXPLICIT), ("-xd", DEFLATED)):
            with self.subTest(syntax):
                sent = self.storescu(option, sample)
                self.assertEqual(sent.returncode, 0, sent.stderr)
                arrived = self.next_instance(known)
                self.assertEqual(transfer_syntax(arrived), syntax)
                self.assertEqual(read(arrived).PatientName, read(sample).PatientName)
                self.assertEqual(pixels(arrived), pixels(sample))

    def test_compressed_images_are_taken_as_they_are(self):
        samples = {"JPEG-lossy.dcm": "-xx", "MR_small_RLE.dcm": "-xr", "MR_small_jpeg_ls_lossless.dcm": "-xt",
                   "JPEG2000.dcm": "-xw", "SC_rgb_jpeg_gdcm.dcm": "-xs", "SC_rgb_jpeg_dcmtk.dcm": "-xy"}
        self.start()
        known = set()
        for name, option in samples.items():
            with self.subTest(name):
                sample = SAMPLES / "test_files" / name
                sent = self.storescu(option, sample)
                self.assertEqual(sent.returncode, 0, sent.stderr)
                arrived = self.next_instance(known)
                self.assertEqual(transfer_syntax(arrived), transfer_syntax(sample))
                self.assertEqual(pixels(arrived), pixels(sample))

    def test_compressed_images_are_refused_when_the_configuration_does_not_take_them(self):
        self.start(accept_compressed_images=False)
        sent = self.storescu("--required", "-xr", SAMPLES / "test_files" / "MR_small_RLE.dcm")
        self.assertNotEqual(sent.returncode, 0)
        self.assertEqual(list((self.server.data / "incoming").iterdir()), [])

    def test_sender_and_receiver_are_written_into_the_tags(self):
        self.start()
        sent = self.storescu("-aet", "SCANNER 7", "-aec", "OUR ARCHIVE", SAMPLES / "test_files" / "CT_small.dcm")
        self.assertEqual(sent.returncode, 0, sent.stderr)
        tags = json.loads(self.only_instance().with_suffix(".tags").read_text(encoding="utf-8"))
        self.assertEqual((tags["SenderAET"], tags["ReceiverAET"], tags["SenderAddress"]),
                         ("SCANNER 7", "OUR ARCHIVE", "127.0.0.1"))

    def test_an_instance_that_is_sent_twice_arrives_once(self):
        self.start(series_complete_trigger=1.5)
        series = self.make_series(instances=3)
        self.server.send(*series)
        self.server.send(*series)
        folder, = delivered(self.out, 1)
        self.assertEqual(len(instances(folder)), 3)
        self.assertEqual(self.server.metrics()["quicksilver_received_repeated_total"], 3)

    def test_an_instance_without_a_series_uid_is_refused_and_leaves_nothing_behind(self):
        self.start()
        sample = self.folder / "no-series.dcm"
        data_set = read(SAMPLES / "test_files" / "CT_small.dcm")
        del data_set.SeriesInstanceUID
        data_set.save_as(sample)
        sent = quicksilver("send", sample, "--to", self.server.dicom)
        self.assertEqual(sent.returncode, 1)
        self.assertIn("0xC000", sent.stdout)
        self.assertIn("SeriesInstanceUID", sent.stderr)
        self.assertEqual(list((self.server.data / "incoming").iterdir()), [])

    def test_an_aborted_transfer_leaves_nothing_behind(self):
        self.start()
        sent = self.storescu("--abort", SAMPLES / "test_files" / "CT_small.dcm")
        self.assertEqual(sent.returncode, 0, sent.stderr)
        self.assertEqual(data_set_bytes(self.only_instance())[:8], data_set_bytes(
            SAMPLES / "test_files" / "CT_small.dcm")[:8])
        wait_until(lambda: self.server.metrics()["quicksilver_associations"] == 0, "the association has ended")

    def test_what_comes_after_a_series_was_complete_is_delivered_as_a_late_part(self):
        self.start()
        early, late = self.make_series(instances=2)
        self.server.send(early)
        delivered(self.out, 1)
        self.server.send(late)
        folders = delivered(self.out, 2)
        self.assertEqual([len(instances(folder)) for folder in folders], [1, 1])

    def test_two_series_that_arrive_at_once_stay_apart(self):
        self.start(series_complete_trigger=1)
        self.make_series("both/one", instances=10, seed=1)
        self.make_series("both/two", instances=10, seed=2)
        self.server.send(self.folder / "both", jobs=4)
        self.assertEqual([len(instances(folder)) for folder in delivered(self.out, 2)], [10, 10])

    def test_no_patient_is_named_in_the_log(self):
        self.out, target = self.folder_target("out")
        self.server = self.start_server(
            config(targets={"out": target}, rules={"all": {"rule": "True", "target": "out"},
                                                   "broken": {"rule": "float(tags.PatientName) > 1", "target": "out"}}),
            arguments=("--log-level", "debug"))
        self.server.send(*self.make_series(instances=2, patient_name="SECRETIVE^ANNA", patient_id="ID-SECRETIVE"))
        delivered(self.out, 1)
        self.server.wait_until_at_rest()
        self.assertIn("series sent", self.server.log())
        self.assertNotIn("SECRETIVE", self.server.log())

    def test_a_large_object_is_received_in_constant_memory(self):
        self.start()
        self.server.send(*self.make_series("small", instances=2, seed=1))
        before = self.peak_memory()
        large, = self.make_series("large", instances=1, bytes=200_000_000, seed=2)
        self.server.send(large)
        delivered(self.out, 2)
        self.assertLess(self.peak_memory() - before, 50_000_000)
        arrived, = [path for path in self.out.glob("*/*.dcm") if path.stat().st_size > 10**8]
        self.assertEqual(data_set_hash(arrived), data_set_hash(large))

    def peak_memory(self):
        """Bytes that the server had in memory at most."""
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))

    def test_senders_that_no_pattern_allows_are_rejected(self):
        self.start(dicom={"address": "127.0.0.1", "accept": [{"calling_ae": "CT*"}]})
        allowed = run("echoscu", "-aet", "CT1", self.server.host, self.server.port)
        self.assertEqual(allowed.returncode, 0, allowed.stderr)
        rejected = run("echoscu", "-aet", "MR1", self.server.host, self.server.port)
        self.assertNotEqual(rejected.returncode, 0)
        self.assertIn("Calling AE Title Not Recognized", rejected.stderr)

    def test_a_peer_that_goes_away_in_the_middle_of_an_instance_leaves_nothing_behind(self):
        self.start()
        with socket.create_connection((self.server.host, self.server.port)) as relay:
            relay.sendall(b"\x01\x00\x00\x00\x00\x50" + bytes(20))
        wait_until(lambda: self.server.metrics()["quicksilver_associations"] == 0, "the association has ended")
        self.assertEqual(list((self.server.data / "incoming").iterdir()), [])


if __name__ == "__main__":
    unittest.main()
