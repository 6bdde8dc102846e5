"""Delivery to S3, XNAT and DICOMweb: everything arrives whole, is verified, and errors have a reason."""

import json
import socket
import threading
import unittest

import pydicom
from server import SystemTest, config, free_port, instances, run, wait_until
from web_peers import S3, Stow, Xnat


class DispatchWeb(SystemTest):
    def start(self, target, **keys):
        self.server = self.start_server(config(
            targets={"web": target}, rules={"all": {"rule": "True", "target": "web"}}, **keys))

    def failure(self):
        """Why the task in error/ lies there."""
        task, = self.server.wait_for_tasks("error")
        return json.loads((task / "task.json").read_text())["info"]["fail_reason"]

    def assert_no_secret(self, *secrets):
        text = self.server.log()
        for task in (self.server.data / stage for stage in ("success", "error", "outgoing")):
            text += "".join(path.read_text() for path in task.glob("*/task.json"))
        for secret in secrets:
            self.assertNotIn(secret, text)


class DispatchS3(DispatchWeb):
    def target(self, s3, **fields):
        return {"target_type": "s3", "endpoint": s3.url, "path_style": True, "region": S3.REGION, "bucket": S3.BUCKET,
                "prefix": "site 1/", "access_key_id": S3.ACCESS, "secret_access_key": S3.SECRET, **fields}

    def test_every_instance_becomes_an_object_of_the_task(self):
        s3 = S3(self)
        self.start(self.target(s3))
        self.server.send(*self.make_series(instances=4))
        task, = self.server.wait_for_tasks("success")
        sent = {f"site 1/{task.name}/{name}": content for name, content in instances(task).items()}
        self.assertEqual(s3.objects, sent)
        self.assert_no_secret(S3.SECRET)

    def test_a_large_file_goes_in_parts(self):
        s3 = S3(self)
        self.start(self.target(s3, part_size=5))
        self.server.send(*self.make_series(instances=1, bytes=12_000_000))
        task, = self.server.wait_for_tasks("success")
        (name, content), = instances(task).items()
        self.assertEqual(s3.objects, {f"site 1/{task.name}/{name}": content})
        parts = [path for method, path in s3.calls if method == "PUT"]
        self.assertEqual(len(parts), 3)
        self.assertEqual(s3.uploads, {})

    def test_what_is_stored_is_not_sent_again(self):
        s3 = S3(self)
        self.start(self.target(s3))
        series = self.make_series(instances=4)
        s3.fail_next = [503]
        self.server.send(*series)
        self.server.wait_for_tasks("success")
        puts = [path for method, path in s3.calls if method == "PUT"]
        self.assertEqual(len(puts), 5)
        self.assertEqual(len(set(puts)), 4)

    def test_a_file_that_arrived_otherwise_than_sent_is_no_success(self):
        s3 = S3(self)
        s3.spoil = True
        self.start(self.target(s3), retry_max=1)
        self.server.send(*self.make_series(instances=1))
        self.assertIn("did not arrive as it was sent", self.failure())

    def test_wrong_keys_have_a_reason(self):
        s3 = S3(self)
        wrong = {"secret": {"secret_access_key": "wrong-secret-key"}, "key": {"access_key_id": "OTHER"},
                 "bucket": {"bucket": "nothing"}}
        self.server = self.start_server(config(
            targets={name: self.target(s3, **fields) for name, fields in wrong.items()},
            rules={name: {"rule": "True", "target": name} for name in wrong}, retry_max=1))
        self.server.send(*self.make_series(instances=1))
        tasks = self.server.wait_for_tasks("error", 3)
        reasons = " ".join(json.loads((task / "task.json").read_text())["info"]["fail_reason"] for task in tasks)
        for code in ("SignatureDoesNotMatch", "InvalidAccessKeyId", "NoSuchBucket"):
            self.assertIn(code, reasons)
        self.assert_no_secret(S3.SECRET, "wrong-secret-key")


class DispatchXnat(DispatchWeb):
    def target(self, xnat, **fields):
        return {"target_type": "xnat", "host": xnat.url, "project_id": "PROJECT", "user": Xnat.USER,
                "password": Xnat.PASSWORD, **fields}

    def test_a_series_is_imported_as_one_archive(self):
        xnat = Xnat(self)
        self.start(self.target(xnat))
        series = self.make_series(instances=3)
        self.server.send(*series)
        task, = self.server.wait_for_tasks("success")
        (query, files), = xnat.imports
        self.assertEqual(sorted(files), ["0.dcm", "1.dcm", "2.dcm"])
        self.assertEqual(sorted(files.values()), sorted(instances(task).values()))
        data_set = pydicom.dcmread(series[0])
        date = data_set.StudyDate
        self.assertEqual(query["PROJECT_ID"], "PROJECT")
        self.assertEqual(query["SUBJECT_ID"], data_set.PatientID)
        self.assertEqual(query["EXPT_LABEL"], f"{data_set.PatientID}_{date[:4]}-{date[4:6]}-{date[6:]}")
        self.assertEqual((query["rename"], query["overwrite"], query["inbody"]), ("true", "delete", "true"))
        wait_until(lambda: not xnat.sessions, "the session is closed")
        self.assert_no_secret(Xnat.PASSWORD)

    def test_a_wrong_password_has_a_reason(self):
        xnat = Xnat(self)
        self.start(self.target(xnat, password="wrong"), retry_max=1)
        self.server.send(*self.make_series(instances=1))
        self.assertIn("HTTP status 401", self.failure())

    def test_an_import_that_makes_no_session_is_no_success(self):
        xnat = Xnat(self)
        xnat.answer = "\r\n"
        self.start(self.target(xnat), retry_max=1)
        self.server.send(*self.make_series(instances=1))
        self.assertIn("made no session", self.failure())


class DrippingStow(Stow):
    """Its answers come in small pieces, over some seconds."""

    class Drip:
        def __init__(self, sink):
            self._sink = sink

        def write(self, content):
            for at in range(0, len(content), 40):
                self._sink.write(content[at:at + 40])
                self._sink.flush()
                threading.Event().wait(0.05)  # what the test is about

        def __getattr__(self, name):
            return getattr(self._sink, name)

    def handle(self, handler, *request):
        handler.wfile = self.Drip(handler.wfile)
        super().handle(handler, *request)


class DispatchDicomweb(DispatchWeb):
    def target(self, stow, **fields):
        return {"target_type": "dicomweb", "url": f"{stow.url}/pacs/", "stow_url_prefix": "stow",
                "access_token": Stow.TOKEN, **fields}

    def test_every_instance_arrives_with_its_bytes_in_requests_of_limited_size(self):
        stow = Stow(self)
        self.start(self.target(stow, request_size=1))
        self.server.send(*self.make_series(instances=7, bytes=300_000))
        task, = self.server.wait_for_tasks("success")
        self.assertEqual(sorted(stow.stored.values()), sorted(instances(task).values()))
        self.assertEqual(stow.requests, [3, 3, 1])
        self.assert_no_secret(Stow.TOKEN)

    def test_only_instances_that_failed_are_sent_again(self):
        failed = []

        def fail_one_once(uid):
            if not failed:
                failed.append(uid)
                return 0xa700
            return "stored"
        stow = Stow(self, fail_one_once)
        self.start(self.target(stow))
        self.server.send(*self.make_series(instances=5))
        self.server.wait_for_tasks("success")
        self.assertEqual(stow.requests, [5, 1])
        self.assertEqual(len(stow.stored), 5)
        self.assertIn("0xA700", self.server.log())

    def test_a_warning_counts_as_stored(self):
        stow = Stow(self, lambda uid: 0xb000)
        self.start(self.target(stow))
        self.server.send(*self.make_series(instances=2))
        self.server.wait_for_tasks("success")
        self.assertIn("warnings=2", self.server.log())

    def test_a_service_that_is_away_for_a_moment_gets_the_series(self):
        stow = Stow(self)
        stow.next_statuses = [503, 500]
        self.start(self.target(stow))
        self.server.send(*self.make_series(instances=2))
        self.server.wait_for_tasks("success")
        self.assertEqual(len(stow.stored), 2)

    def test_a_service_that_answers_a_few_bytes_at_a_time_gets_the_series(self):
        stow = DrippingStow(self)
        self.start(self.target(stow))
        self.server.send(*self.make_series(instances=3))
        self.server.wait_for_tasks("success")
        self.assertEqual(stow.requests, [3])
        self.assertNotIn("delivery failed", self.server.log())

    def test_a_service_that_never_answers_holds_up_neither_the_others_nor_the_stop(self):
        stow, silent = Stow(self), socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        dead = {**self.target(stow), "url": f"http://127.0.0.1:{silent.getsockname()[1]}/pacs"}
        self.server = self.start_server(config(
            targets={"dead": dead, "alive": self.target(stow)},
            rules={name: {"rule": "True", "target": name} for name in ("dead", "alive")}))
        self.server.send(*self.make_series(instances=3))
        self.server.wait_for_tasks("success")
        self.assertEqual(len(stow.stored), 3)
        self.assertEqual(len(self.server.tasks("outgoing")), 1)
        self.assertEqual(self.server.stop(timeout=25), 0)

    def test_a_wrong_token_and_an_instance_that_is_refused_have_a_reason(self):
        stow = Stow(self, lambda uid: 0x0122)
        self.start(self.target(stow, access_token="other-token"), retry_max=1)
        self.server.send(*self.make_series(instances=2))
        self.assertIn("HTTP status 401", self.failure())
        self.assert_no_secret("other-token")

    def test_an_instance_that_is_refused_is_named_with_the_reason(self):
        stow = Stow(self, lambda uid: 0x0122)
        self.start(self.target(stow), retry_max=1)
        self.server.send(*self.make_series(instances=2))
        reason = self.failure()
        self.assertIn("2 of 2", reason)
        self.assertIn("SOP class not supported", reason)

    def test_a_folder_in_place_of_a_service_gets_a_tree(self):
        tree = self.make_folder("tree")
        self.start({"target_type": "dicomweb", "url": f"file://{tree}"})
        series = self.make_series(instances=2)
        self.server.send(*series)
        task, = self.server.wait_for_tasks("success")
        data_set = pydicom.dcmread(series[0])
        place = tree / "studies" / data_set.StudyInstanceUID / "series" / data_set.SeriesInstanceUID / "instances"
        self.assertEqual(sorted(path.read_bytes() for path in place.iterdir()), sorted(instances(task).values()))


class DispatchOrthanc(DispatchWeb):
    """The STOW-RS service that most people meet first."""

    def start_orthanc(self):
        port, dicom = free_port(), free_port()
        settings = self.folder / "orthanc.json"
        settings.write_text(json.dumps({
            "HttpPort": port, "DicomPort": dicom, "DicomAlwaysAllowEcho": True, "RemoteAccessAllowed": False,
            "AuthenticationEnabled": True, "RegisteredUsers": {"alice": "wonderland"}, "DicomServerEnabled": True,
            "StorageDirectory": str(self.folder / "orthanc"), "IndexDirectory": str(self.folder / "orthanc"),
            "Plugins": ["/usr/share/orthanc/plugins"]}))
        log = open(self.folder / "orthanc.log", "wb")
        self.addCleanup(log.close)
        self.start_process("Orthanc", settings, output=log)
        url = f"http://127.0.0.1:{port}"
        ask = lambda: run("curl", "-fs", "-u", "alice:wonderland", f"{url}/dicom-web/studies").returncode == 0
        wait_until(ask, lambda: "Orthanc answers\n" + (self.folder / "orthanc.log").read_text(errors="replace"))
        return url

    def test_orthanc_takes_a_series_by_stow(self):
        url = self.start_orthanc()
        self.start({"target_type": "dicomweb", "url": f"{url}/dicom-web", "http_user": "alice",
                    "http_password": "wonderland"})
        self.server.send(*self.make_series(instances=12))
        self.server.wait_for_tasks("success")
        stored = run("curl", "-fs", "-u", "alice:wonderland", f"{url}/instances")
        self.assertEqual(len(json.loads(stored.stdout)), 12)


if __name__ == "__main__":
    unittest.main()
