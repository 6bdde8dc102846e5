"""The commands that a person types: demo, send, echo, tags, rule eval, version, and wrong usage."""

import json
import signal
import socket
import subprocess
import unittest

from data_sets import SAMPLES
from server import (QUICKSILVER, PATIENCE_S, SystemTest, clean_environment, config, delivered, end_process, free_port,
                    instances, quicksilver, wait_until)


class Demo(SystemTest):
    def test_the_demonstration_delivers_its_series_and_stays_up_until_it_is_stopped(self):
        output = self.folder / "output"
        with open(output, "wb") as file:
            demo = subprocess.Popen([QUICKSILVER, "demo", "--data", str(self.folder / "demo")], stdout=file,
                                    stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=clean_environment())
        self.addCleanup(end_process, demo)
        wait_until(lambda: "Ctrl+C" in output.read_text(), lambda: "the end of the tour\n" + output.read_text(), 90)
        text = output.read_text()
        self.assertIn(f"Your series arrived in {self.folder}/demo/delivered", text)
        self.assertRegex(text, r"http://127\.0\.0\.1:\d+")
        counts = sorted(len(instances(folder)) for folder in delivered(self.folder / "demo" / "delivered", 2))
        self.assertEqual(counts, [16, 24])
        self.assertIsNone(demo.poll())
        demo.send_signal(signal.SIGTERM)
        self.assertEqual(demo.wait(PATIENCE_S), 0)


class Send(SystemTest):
    def setUp(self):
        super().setUp()
        self.out, target = self.folder_target("out")
        self.server = self.start_server(config(
            targets={"out": target}, rules={"all": {"rule": "True", "target": "out"}}, series_complete_trigger=1))

    def test_a_folder_is_sent_over_several_associations_with_a_summary(self):
        self.make_series("here/a", instances=30, seed=1)
        sent = quicksilver("send", self.folder / "here", "--to", self.server.dicom, "--jobs", 4)
        self.assertEqual(sent.returncode, 0, sent.stderr)
        self.assertRegex(sent.stdout, r"(?m)^\s*30\s+0x0000 stored$")
        self.assertIn("30 of 30 files", sent.stdout)
        folder, = delivered(self.out, 1)
        self.assertEqual(len(instances(folder)), 30)

    def test_what_is_no_dicom_file_is_counted_and_fails_while_the_others_arrive(self):
        series = self.make_series("here", instances=2)
        (self.folder / "here" / "notes.txt").write_text("not an image")
        sent = quicksilver("send", self.folder / "here", "--to", self.server.dicom)
        self.assertEqual(sent.returncode, 1)
        self.assertRegex(sent.stdout, r"(?m)^\s*1\s+not a DICOM file$")
        self.assertRegex(sent.stdout, r"(?m)^\s*2\s+0x0000 stored$")
        self.assertIn("notes.txt", sent.stderr)
        self.assertEqual(len(instances(delivered(self.out, 1)[0])), len(series))

    def test_a_receiver_that_is_not_there_fails_and_says_so(self):
        file, = self.make_series(instances=1)
        sent = quicksilver("send", file, "--to", f"127.0.0.1:{free_port()}")
        self.assertEqual(sent.returncode, 1)
        self.assertRegex(sent.stdout, r"(?m)^\s*1\s+not tried$")
        self.assertIn("127.0.0.1", sent.stderr)

    def test_a_path_that_is_not_there_fails_and_says_so(self):
        sent = quicksilver("send", self.folder / "nothing", "--to", self.server.dicom)
        self.assertEqual(sent.returncode, 1)
        self.assertIn("nothing", sent.stderr)


class Echo(SystemTest):
    def test_a_server_that_is_there_answers(self):
        server = self.start_server(config())
        echoed = quicksilver("echo", server.dicom)
        self.assertEqual(echoed.returncode, 0, echoed.stderr)
        self.assertIn("answers C-ECHO", echoed.stdout)

    def test_each_step_that_fails_is_named(self):
        rejecting = self.start_server(config(dicom={"address": "127.0.0.1", "accept": [{"calling_ae": "FRIEND"}]}))
        for peer, step in (("no-such-host.invalid:104", "name: "), (f"127.0.0.1:{free_port()}", "connection: "),
                           (rejecting.dicom, "association: ")):
            with self.subTest(step):
                echoed = quicksilver("echo", peer)
                self.assertEqual(echoed.returncode, 1)
                self.assertIn(step, echoed.stderr)
        self.assertEqual(quicksilver("echo", rejecting.dicom, "--calling", "FRIEND").returncode, 0)

    def test_a_peer_that_hangs_up_fails_at_the_association(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            process = subprocess.Popen([QUICKSILVER, "echo", f"127.0.0.1:{listener.getsockname()[1]}"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                       env=clean_environment())
            self.addCleanup(end_process, process)
            listener.settimeout(PATIENCE_S)
            for _ in range(2):  # the first only tries whether the port is open
                listener.accept()[0].close()
            _, errors = process.communicate(timeout=PATIENCE_S)
        self.assertEqual(process.returncode, 1)
        self.assertIn("association: ", errors)


class Tags(SystemTest):
    def test_one_file_is_an_object_and_several_are_a_list(self):
        one, two = self.make_series(instances=2, series_description="Abdomen")
        shown = quicksilver("tags", one, "--json")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        tags = json.loads(shown.stdout)
        self.assertEqual((tags["SeriesDescription"], tags["Modality"]), ("Abdomen", "CT"))
        self.assertEqual(list(tags)[:2], ["SpecificCharacterSet", "SeriesInstanceUID"])
        both = json.loads(quicksilver("tags", one, two, "--json").stdout)
        self.assertEqual([entry["Modality"] for entry in both], ["CT", "CT"])

    def test_a_name_in_another_character_set_is_shown_in_utf_8(self):
        shown = quicksilver("tags", SAMPLES / "charset_files" / "chrGreek.dcm", "--json")
        self.assertEqual(json.loads(shown.stdout)["PatientName"], "Διονυσιος")

    def test_what_is_no_dicom_file_fails(self):
        text = self.folder / "text"
        text.write_text("text")
        shown = quicksilver("tags", text)
        self.assertEqual(shown.returncode, 1)
        self.assertIn(str(text), shown.stderr)


class RuleEval(SystemTest):
    def evaluate(self, expression):
        tags = self.folder / "tags.json"
        tags.write_text(json.dumps({"Modality": "CT", "SeriesDescription": "Thorax"}))
        done = quicksilver("rule", "eval", expression, "--tags", tags, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_the_answer_has_value_trigger_tags_and_explanation(self):
        answer = self.evaluate("tags.Modality == 'CT' and 'thor' in tags.SeriesDescription.lower()")
        self.assertLessEqual({"value", "triggered", "error", "tags", "explain"}, set(answer))
        self.assertIs(answer["triggered"], True)
        self.assertIsNone(answer["error"])
        self.assertEqual(sorted(answer["tags"]), ["Modality", "SeriesDescription"])
        self.assertTrue(answer["explain"])

    def test_a_mistake_is_told_with_its_place(self):
        answer = self.evaluate("tags.Modality ==")
        self.assertIs(answer["triggered"], False)
        self.assertLessEqual({"code", "message", "line", "column"}, set(answer["error"]))
        self.assertEqual(answer["error"]["line"], 1)

    def test_a_dicom_file_gives_the_tags_too(self):
        file, = self.make_series(instances=1, modality="MR")
        done = quicksilver("rule", "eval", "tags.Modality", "--file", file)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("triggers", done.stdout)
        self.assertIn("MR", done.stdout)


class Usage(SystemTest):
    def test_wrong_usage_is_status_2_with_a_hint(self):
        for words in ((), ("fly",), ("serve", "--colour", "red"), ("send",), ("send", "x"), ("echo",),
                      ("rule", "eval", "True"), ("config",), ("tags",)):
            with self.subTest(words):
                done = quicksilver(*words)
                self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                self.assertTrue(done.stderr)

    def test_an_address_without_a_port_is_refused(self):
        for address in ("localhost", "localhost:", "localhost:99999", ":104"):
            with self.subTest(address):
                done = quicksilver("echo", address)
                self.assertIn(done.returncode, (1, 2))
                self.assertTrue(done.stderr)

    def test_help_is_there_for_each_command(self):
        for words in ((), ("serve",), ("demo",), ("send",), ("echo",), ("tags",), ("rule", "eval"), ("config", "check"),
                      ("config", "show"), ("version",)):
            with self.subTest(words):
                done = quicksilver(*words, "--help")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertIn("Usage: quicksilver", done.stdout)

    def test_the_version_is_there_for_people_and_machines(self):
        text = quicksilver("version").stdout
        document = json.loads(quicksilver("version", "--json").stdout)
        self.assertIn(f"quicksilver {document['version']}", text)
        self.assertIn("DCMTK", str(document["libraries"]))
        self.assertIn("commit", document)


if __name__ == "__main__":
    unittest.main()
