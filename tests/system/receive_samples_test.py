"""Every real file that pydicom brings along arrives, whatever its character set, syntax or oddity."""

import unittest

from data_sets import (
    SAMPLES, data_set_bytes, read, rounds_without_repeated_uids, samples, sop_instance_uid, transfer_syntax)
from server import SystemTest, config, free_port, quicksilver, run, wait_until

# Its data set is not encoded as its file meta information says.
NOT_WHAT_IT_SAYS = SAMPLES / "test_files" / "SC_rgb_jpeg.dcm"
# Its last element is cut off and its length is odd, which DICOM cannot transport and DCMTK cannot mend.
CUT_OFF = SAMPLES / "test_files" / "rtplan_truncated.dcm"
NATIVE = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"}


class SamplesArrive(SystemTest):
    def setUp(self):
        super().setUp()
        self.out, target = self.folder_target("out")
        self.server = self.start_server(config(
            targets={"out": target}, rules={"all": {"rule": "True", "target": "out"}}))

    def wait_for_delivery(self, uids):
        """SOP Instance UID → delivered file, once all are there; the folder is empty for the next."""
        def found():
            files = {path.stem.split("#")[1]: path for path in self.out.glob("[!.]*/*.dcm")
                     if path.parent.joinpath(".complete").exists()}
            return (files,) if set(uids) <= set(files) else None
        files, = wait_until(found, lambda: f"{sorted(uids)} in {self.out}\n{self.server.log()}")
        self.server.wait_until_at_rest()
        return files

    def empty_target(self):
        for path in self.out.rglob("*"):
            if path.is_file():
                path.unlink()

    def test_each_sample_arrives_with_the_bytes_that_were_sent(self):
        readable = [path for path in samples() if path not in (NOT_WHAT_IT_SAYS, CUT_OFF)]
        for group in rounds_without_repeated_uids(readable):
            self.server.send(*group.values())
            arrived = self.wait_for_delivery(group)
            for uid, sent in group.items():
                with self.subTest(sent.relative_to(SAMPLES)):
                    if len(data_set_bytes(sent)) % 2 == 0:
                        self.assertEqual(data_set_bytes(arrived[uid]), data_set_bytes(sent))
                    else:  # which DICOM cannot transport as it is, so it was encoded anew
                        self.assertEqual(read(arrived[uid]).PixelData, read(sent).PixelData)
                    self.assertEqual(transfer_syntax(arrived[uid]), transfer_syntax(sent))
            self.empty_target()
        self.assertEqual(self.server.tasks("error"), [])

    def test_a_data_set_that_cannot_be_read_is_refused_and_leaves_nothing_behind(self):
        sent = quicksilver("send", NOT_WHAT_IT_SAYS, "--to", self.server.dicom)
        self.assertEqual(sent.returncode, 1)
        self.assertIn("0xC000", sent.stdout)
        self.assertEqual(list((self.server.data / "incoming").iterdir()), [])

    def test_what_dcmtk_sends_arrives_as_dcmtk_itself_would_store_it(self):
        native = [path for path in samples() if transfer_syntax(path) in NATIVE]
        reference = Reference(self)
        for group in rounds_without_repeated_uids(native):
            reference.empty()
            # What DCMTK itself cannot read or propose is left out by it; the reference tells what that is.
            run("dcmsend", "--no-halt", "127.0.0.1", reference.port, *group.values())
            expected = reference.files()
            run("dcmsend", "--no-halt", self.server.host, self.server.port, *group.values())
            arrived = self.wait_for_delivery(expected)
            for uid, stored in expected.items():
                with self.subTest(group[uid].relative_to(SAMPLES)):
                    self.assertEqual(data_set_bytes(arrived[uid]), data_set_bytes(stored))
            self.empty_target()


class Reference:
    """DCMTK's own receiver, which keeps the bytes that it gets."""

    def __init__(self, test):
        self.folder = test.make_folder("reference")
        self.port = free_port()
        test.start_process("storescp", "+B", "+xa", "-od", self.folder, self.port)
        wait_until(lambda: run("echoscu", "127.0.0.1", self.port).returncode == 0, "storescp answers")

    def files(self):
        """SOP Instance UID → file."""
        return {sop_instance_uid(path): path for path in self.folder.iterdir()}

    def empty(self):
        for path in self.folder.iterdir():
            path.unlink()


if __name__ == "__main__":
    unittest.main()
