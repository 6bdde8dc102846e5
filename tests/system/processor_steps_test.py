"""The steps that need no container: edit-tags and deidentify, on made and on real files, and across crashes."""

import glob
import json
import unittest
from pathlib import Path

from server import SystemTest, config, delivered, instances, quicksilver, run, wait_until

try:
    import pydicom
    import pydicom.data
except ImportError:
    pydicom = None

EDITS = {"runner": "edit-tags", "settings": {"edits": [
    {"set": "StudyDescription", "value": "'Trial ' + tags.Modality"},
    {"append": "ImageComments", "text": "checked", "separator": "; "},
    {"copy": "SeriesDescription", "to": "PerformedProcedureStepDescription", "default": ""},
    {"remove": "PatientSex"}]}}


def text_of(dataset, keyword):
    return str(dataset.get(keyword, ""))


@unittest.skipIf(pydicom is None, "python3-pydicom is not installed")
class Steps(SystemTest):
    def start(self, modules, rule=None, **keys):
        self.out, target = self.folder_target("out")
        every = {"rule": "True", "action": "both", "target": "out", "processing_module": list(modules)}
        every.update(rule or {})
        settings = config(targets={"out": target}, rules={"every": every}, modules=modules, **keys)
        self.server = self.start_server(settings)
        return self.server

    def datasets(self, folder):
        return [pydicom.dcmread(path) for path in sorted(Path(folder).glob("*.dcm"))]

    def search(self, folder, words):
        """Fails when one of these is in the name or the bytes of a file of the folder."""
        for path in Path(folder).rglob("*"):
            content = str(path.relative_to(folder)).encode() + (path.read_bytes() if path.is_file() else b"")
            for word in words:
                self.assertNotIn(word.encode(), content, path)

    def test_tags_are_edited_and_pixels_are_not(self):
        self.start({"edit": EDITS})
        series = self.make_series(instances=3, modality="MR")
        self.server.send(*series)
        task, = delivered(self.out, 1)
        before = {str(data.SOPInstanceUID): data for data in map(pydicom.dcmread, series)}
        for data in self.datasets(task):
            original = before[str(data.SOPInstanceUID)]
            self.assertEqual(data.StudyDescription, "Trial MR")
            self.assertEqual(data.ImageComments, f"{original.ImageComments}; checked")
            self.assertEqual(data.PerformedProcedureStepDescription, original.SeriesDescription)
            self.assertNotIn("PatientSex", data)
            self.assertEqual(data.PixelData, original.PixelData)
            self.assertEqual(data.file_meta.TransferSyntaxUID, original.file_meta.TransferSyntaxUID)
        self.server.wait_for_tasks("success")

    def test_steps_follow_one_another_and_nobody_learns_who_it_was(self):
        self.start({"anonymous": {"runner": "deidentify"}, "edit": EDITS})
        series = self.make_series(instances=3, patient_name="Mustermann^Erika", patient_id="PID-471108",
                                  accession_number="ACC-99887")
        original = pydicom.dcmread(series[0])
        self.server.send(*series)
        task, = delivered(self.out, 1)
        words = ["Mustermann", "Erika", "PID-471108", "ACC-99887"]
        words += [text_of(original, key) for key in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")]
        words += [str(pydicom.dcmread(path).SOPInstanceUID) for path in series]
        self.search(task, [word for word in words if word])
        self.server.wait_for_tasks("success")
        self.search(self.server.stage("success"), [word for word in words if word])
        info = json.loads((task / "task.json").read_text())["info"]
        data = self.datasets(task)[0]
        self.assertEqual((info["mrn"], info["uid"]), (data.PatientID, data.SeriesInstanceUID))
        self.assertEqual(data.PatientIdentityRemoved, "YES")
        self.assertEqual(data.StudyDescription, "Trial CT")

    def test_pseudonyms_hold_across_series_and_restarts(self):
        self.start({"anonymous": {"runner": "deidentify", "settings": {"retain_modified_dates": True}}})
        for number in (1, 2):
            self.server.send(*self.make_series(f"series{number}", instances=2, series_number=number, patient_id="PID-1",
                                               study_uid="1.2.826.99.1"))
            delivered(self.out, number)
            self.server.wait_for_tasks("success", number)
            self.server.stop()
            self.server.start()
        first, second = (self.datasets(task)[0] for task in delivered(self.out, 2))
        for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "StudyDate"):
            self.assertEqual(text_of(first, keyword), text_of(second, keyword), keyword)
        self.assertNotEqual(first.SeriesInstanceUID, second.SeriesInstanceUID)
        key = self.server.data / "deidentification.key"
        self.assertEqual(key.stat().st_mode & 0o777, 0o600)

    def test_real_files_tell_nobody_who_it_was(self):
        self.start({"anonymous": {"runner": "deidentify", "settings": {"accept_burned_in": True}}})
        folder = Path(pydicom.data.__file__).parent / "test_files"
        paths, words, uids = [], set(), set()
        for path in sorted(glob.glob(str(folder / "*.dcm"))):
            try:
                data = pydicom.dcmread(path)
                uid = str(data.SOPInstanceUID)
                if "SeriesInstanceUID" not in data or "StudyInstanceUID" not in data or uid in uids:
                    continue
            except Exception:  # what pydicom cannot read, nobody would send
                continue
            if not quicksilver("send", path, "--to", self.server.dicom).returncode == 0:
                continue
            uids.add(uid)
            paths.append(path)
            for keyword in ("PatientID", "PatientName", "PatientBirthDate", "AccessionNumber", "StudyInstanceUID",
                            "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"):
                word = text_of(data, keyword)
                if len(word) > 5 and not word.startswith("1.2.840.10008."):
                    words.add(word)
        self.assertGreater(len(paths), 20)
        wait_until(lambda: len(instances(self.out)) + len(self.server.tasks("error")) >= len(uids) or
                   not self.server.tasks("processing") and self.server.is_at_rest(), self.server.log)
        self.server.wait_until_at_rest()
        self.search(self.out, words)
        self.assertGreater(len(instances(self.out)), 20)

    def test_images_that_may_show_a_name_are_refused_with_the_reason(self):
        self.start({"anonymous": {"runner": "deidentify"}})
        series = self.make_series(instances=1)
        data = pydicom.dcmread(series[0])
        data.BurnedInAnnotation = "YES"
        data.save_as(series[0])
        self.server.send(*series)
        task, = self.server.wait_for_tasks("error")
        self.assertIn("BurnedInAnnotation is YES", json.loads((task / "task.json").read_text())["info"]["fail_reason"])
        self.assertEqual(list(self.out.iterdir()), [])

    def test_a_crash_in_the_middle_costs_nothing(self):
        self.start({"edit": EDITS})
        series = self.make_series(instances=200, bytes=200_000)
        self.server.send(*series)
        wait_until(lambda: list(self.server.stage("processing").glob("*/out/*.dcm")) or
                   list(self.out.glob("*/.complete")), "the step has begun")
        self.server.kill()
        self.server.start()
        task, = delivered(self.out, 1)
        self.assertEqual(len(instances(task)), 200)
        self.assertEqual({data.StudyDescription for data in self.datasets(task)}, {"Trial CT"})

    def test_a_full_disk_fails_the_step_and_keeps_its_inputs(self):
        small = self.make_folder("small")
        mounted = run("mount", "-t", "tmpfs", "-o", "size=12m", "none", small)
        if mounted.returncode != 0:
            self.skipTest("no file system can be mounted here: " + mounted.stderr)
        self.addCleanup(run, "umount", "-l", small)
        self.start({"edit": EDITS}, processing_folder=str(small / "processing"))
        series = self.make_series(instances=16, bytes=500_000)
        self.server.send(*series)
        task, = self.server.wait_for_tasks("error")
        reason = json.loads((task / "task.json").read_text())["info"]["fail_reason"]
        self.assertIn("No space left on device", reason)
        self.assertEqual(len(instances(task / "as_received")), 16)
        self.assertEqual(list(self.out.iterdir()), [])
        self.server.send(*self.make_series("small-one", instances=1, seed=2))
        delivered(self.out, 1)

    def test_wrong_settings_are_named_by_path_and_the_step_refuses_to_run(self):
        modules = {"edit": {"runner": "edit-tags", "settings": {"edits": [{"set": "PatientNmae", "text": "x"}]}},
                   "anonymous": {"runner": "deidentify", "settings": {"retain_uid": True}}}
        self.start(modules)
        checked = quicksilver("config", "check", self.server.config_file)
        self.assertIn("modules.edit.settings.edits[0].set", checked.stdout)
        self.assertIn("modules.anonymous.settings.retain_uid", checked.stdout)
        self.server.send(*self.make_series(instances=1))
        task, = self.server.wait_for_tasks("error")
        self.assertIn("edits[0].set", json.loads((task / "task.json").read_text())["info"]["fail_reason"])


if __name__ == "__main__":
    unittest.main()
