"""Delivery to encrypted DICOM peers, with certificates made on the spot."""

import json
import unittest

from server import SystemTest, config, free_port, instances, run, wait_until


class Authority:
    """A certificate authority in a folder."""

    def __init__(self, test, folder, name):
        self.test, self.folder, self.name = test, folder, name
        folder.mkdir()
        self.key, self.certificate = folder / "ca.key", folder / "ca.pem"
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-out", self.certificate,
                      "-days", "2", "-subj", f"/CN={name}")
        (folder / "index.txt").touch()
        (folder / "serial").write_text("01\n")
        (folder / "ca.cnf").write_text(f"""
[ca]
default_ca = here
[here]
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
certificate = {self.certificate}
private_key = {self.key}
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
""")

    def issue(self, name, begin="20200101000000Z", end="20491231000000Z"):
        """Key and certificate."""
        key, request, certificate = (self.folder / f"{name}.{kind}" for kind in ("key", "csr", "pem"))
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        self._openssl("ca", "-batch", "-config", self.folder / "ca.cnf", "-in", request, "-out", certificate,
                      "-notext", "-startdate", begin, "-enddate", end)
        return key, certificate

    def _openssl(self, *words):
        made = run("openssl", *words)
        self.test.assertEqual(made.returncode, 0, made.stderr)


class DispatchTls(SystemTest):
    def setUp(self):
        super().setUp()
        self.port = free_port()
        self.authority = Authority(self, self.folder / "ca", "Hospital CA")
        self.ours = self.authority.issue("quicksilver")

    def start_pacs(self, key, certificate, authority=None):
        stored = self.make_folder("pacs")
        with open(self.folder / "storescp.log", "ab") as log:
            self.start_process("storescp", "+B", "+xa", "+tls", key, certificate, "+cf",
                               (authority or self.authority).certificate, "-v", "-od", stored, self.port, output=log)
        return stored

    def start(self, **fields):
        key, certificate = self.ours
        target = {"target_type": "dicomtls", "ip": "127.0.0.1", "port": self.port, "aet_target": "PACS",
                  "tls_key": str(key), "tls_cert": str(certificate), "ca_cert": str(self.authority.certificate),
                  **fields}
        self.server = self.start_server(config(
            targets={"pacs": target}, rules={"all": {"rule": "True", "target": "pacs"}}, retry_max=20))
        self.server.send(*self.make_series(instances=5))

    def expect_failure(self, *texts):
        for text in texts:
            self.server.wait_for_log(text)
        self.assertEqual(self.server.tasks("success"), [])

    def test_a_series_arrives_encrypted(self):
        stored = self.start_pacs(*self.authority.issue("pacs"))
        self.start()
        task, = self.server.wait_for_tasks("success")
        self.assertEqual(len(list(stored.iterdir())), 5)
        self.assertEqual(len(instances(task)), 5)

    def test_orthanc_takes_a_series_encrypted(self):
        key, certificate = self.authority.issue("orthanc")
        http, (our_key, our_certificate) = free_port(), self.ours
        settings = self.folder / "orthanc.json"
        settings.write_text(json.dumps({
            "HttpPort": http, "DicomPort": self.port, "DicomTlsEnabled": True, "DicomTlsPrivateKey": str(key),
            "DicomTlsCertificate": str(certificate), "DicomTlsTrustedCertificates": str(self.authority.certificate),
            "AuthenticationEnabled": False, "RemoteAccessAllowed": False, "DicomAlwaysAllowStore": True, "Plugins": [],
            "DicomCheckCalledAet": False, "StorageDirectory": str(self.folder / "orthanc"),
            "IndexDirectory": str(self.folder / "orthanc")}))
        with open(self.folder / "orthanc.log", "wb") as log:
            self.start_process("Orthanc", settings, output=log)
        echo = ["echoscu", "+tls", our_key, our_certificate, "+cf", self.authority.certificate, "127.0.0.1", self.port]
        wait_until(lambda: run(*echo).returncode == 0,
                   lambda: "Orthanc answers\n" + (self.folder / "orthanc.log").read_text(errors="replace"))
        self.start()
        self.server.wait_for_tasks("success")
        self.assertEqual(len(json.loads(run("curl", "-fs", f"http://127.0.0.1:{http}/instances").stdout)), 5)

    def test_an_expired_certificate_of_the_peer_is_named(self):
        self.start_pacs(*self.authority.issue("pacs", end="20210101000000Z"))
        self.start()
        self.expect_failure("expired on", "CN = pacs")

    def test_a_peer_of_another_authority_is_refused(self):
        other = Authority(self, self.folder / "other", "Somebody else")
        self.start_pacs(*other.issue("pacs"), other)
        self.start()
        self.expect_failure("is not to be trusted")

    def test_a_peer_that_does_not_know_our_authority_says_so(self):
        other = Authority(self, self.folder / "other", "Somebody else")
        self.start_pacs(*self.authority.issue("pacs"), other)
        self.start()
        self.expect_failure("refuses our certificate")

    def test_our_own_expired_certificate_is_named_before_anybody_is_asked(self):
        self.ours = self.authority.issue("old", end="20210101000000Z")
        self.start_pacs(*self.authority.issue("pacs"))
        self.start()
        self.expect_failure("our certificate", "expired on")

    def test_a_peer_without_encryption_is_not_sent_to(self):
        stored = self.make_folder("plain")
        self.start_process("storescp", "-od", stored, self.port)
        wait_until(lambda: run("echoscu", "127.0.0.1", self.port).returncode == 0, "storescp answers")
        self.start()
        self.expect_failure("delivery failed")
        self.assertEqual(list(stored.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
