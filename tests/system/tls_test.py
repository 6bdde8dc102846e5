#!/usr/bin/python3
"""The encrypted DICOM port, with DCMTK's tools as peers and certificates made on the spot."""

import socket
import ssl
import unittest
import warnings

from server import SystemTest, config, delivered, run, wait_until


def make_authority(folder, name):
    """A self-signed certificate that may sign others."""
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
        "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem")
    return folder / f"{name}.pem"


def make_certificate(folder, name, authority):
    request = folder / f"{name}.csr"
    run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key",
        "-out", request)
    signed = run("openssl", "x509", "-req", "-days", "2", "-in", request, "-CA", authority,
                 "-CAkey", authority.with_suffix(".key"), "-CAcreateserial", "-out", folder / f"{name}.pem")
    assert signed.returncode == 0, signed.stderr
    return folder / f"{name}.pem", folder / f"{name}.key"


class EncryptedPort(SystemTest):
    def setUp(self):
        super().setUp()
        self.authority = make_authority(self.folder, "authority")
        self.certificate, self.key = make_certificate(self.folder, "server", self.authority)
        self.out, self.target = self.folder_target("out")

    def start(self, **tls):
        settings = {"certificate": str(self.certificate), "key": str(self.key), "port": 0}
        settings.update(tls)
        server = self.start_server(config(targets={"out": self.target},
                                          rules={"all": {"rule": "True", "target": "out"}},
                                          dicom={"address": "127.0.0.1", "tls": settings}))
        server.wait_for_log("encrypted DICOM")
        line = next(line for line in server.log().splitlines() if "encrypted DICOM" in line)
        self.port = int(line.rsplit("port=", 1)[1].split()[0])
        return server

    def store(self, files, *options):
        return run("storescu", "-aet", "SENDER", *options, "+cf", self.authority, "127.0.0.1", self.port, *files)

    def test_a_peer_with_any_certificate_or_none_sends_encrypted_when_no_authority_is_named(self):
        self.start()
        files = self.make_series(instances=20, bytes=200_000)
        sent = self.store(files, "+tla")
        self.assertEqual(sent.returncode, 0, sent.stderr)
        folder, = delivered(self.out, 1)
        self.assertEqual(len(list(folder.glob("*.dcm"))), 20)

    def test_the_sender_is_known_by_its_own_address(self):
        server = self.start()
        files = self.make_series(instances=1, bytes=2000)
        sent = self.store(files, "+tla")
        self.assertEqual(sent.returncode, 0, sent.stderr)
        folder, = delivered(self.out, 1)
        tags = run(server.process.args[0], "tags", next(folder.glob("*.dcm"))).stdout
        self.assertRegex(tags, r"SenderAddress\s+127\.0\.0\.1")
        self.assertRegex(tags, r"SenderAET\s+SENDER")

    def test_with_an_authority_only_its_clients_are_served(self):
        server = self.start(ca=str(self.authority))
        files = self.make_series(instances=1, bytes=2000)
        self.assertNotEqual(self.store(files, "+tla").returncode, 0)
        server.wait_for_log("encrypted connection refused")
        stranger = make_authority(self.folder, "stranger")
        certificate, key = make_certificate(self.folder, "unknown", stranger)
        self.assertNotEqual(self.store(files, "+tls", key, certificate).returncode, 0)
        certificate, key = make_certificate(self.folder, "known", self.authority)
        sent = self.store(files, "+tls", key, certificate)
        self.assertEqual(sent.returncode, 0, sent.stderr)
        delivered(self.out, 1)

    def test_peers_that_are_silent_or_speak_in_the_clear_delay_nobody(self):
        self.start()
        silent = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(20)]
        for peer in silent:
            self.addCleanup(peer.close)
        silent[0].sendall(b"\x16\x03\x01")  # the beginning of a handshake
        silent[1].sendall(b"\x01\x00\x00\x00\x00\x04abcd")
        self.assertNotEqual(run("echoscu", "127.0.0.1", self.port).returncode, 0)
        self.assertEqual(self.store(self.make_series(instances=1, bytes=2000), "+tla").returncode, 0)

    def test_old_protocols_are_refused(self):
        self.start()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        with socket.create_connection(("127.0.0.1", self.port)) as plain, self.assertRaises((ssl.SSLError, OSError)):
            context.wrap_socket(plain)

    def test_a_stop_ends_encrypted_associations_too(self):
        server = self.start()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with context.wrap_socket(socket.create_connection(("127.0.0.1", self.port))):
            self.assertEqual(server.stop(), 0)

    def test_files_that_cannot_be_used_stop_the_start_with_their_name(self):
        settings = {"certificate": str(self.certificate), "key": str(self.authority.with_suffix(".key")), "port": 0}
        server = self.make_server(config(dicom={"address": "127.0.0.1", "tls": settings})).launch()
        wait_until(lambda: server.process.poll() is not None, "the end of the start")
        self.assertEqual(server.process.returncode, 1)
        self.assertIn("key values mismatch", server.log())


if __name__ == "__main__":
    unittest.main()
