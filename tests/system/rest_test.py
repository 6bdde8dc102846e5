"""The REST interface of the real program: setting up, accounts, configuration and its history, series, events, docs."""

import base64
import hmac
import io
import json
import os
import re
import subprocess
import time
import unittest
import urllib.request
import zipfile
from pathlib import Path

from server import PASSWORD, QUICKSILVER, SystemTest, clean_environment, config, delivered, quicksilver, wait_until

ROOT = Path(__file__).resolve().parents[2]


def app_code(secret):
    """What an authenticator app shows now (RFC 6238)."""
    key = base64.b32decode(secret)
    mac = hmac.digest(key, int(time.time() // 30).to_bytes(8, "big"), "sha1")
    at = mac[-1] & 15
    return f"{(int.from_bytes(mac[at:at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"


class Rest(SystemTest):
    def call(self, server, method, path, body=None, headers=None):
        return server.call(method, path, body, headers)

    def test_the_first_administrator_is_made_with_the_code_of_the_console(self):
        server = self.start_server(config())
        code = re.search(r"setup_code=(\S+)", server.log()).group(1)
        file = server.data / "run" / "setup-code"
        wait_until(lambda: file.exists() and file.read_text().strip() == code, "the file of the code")
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        body = {"setup_code": code.lower(), "username": "anna", "password": PASSWORD}
        status, headers, session = self.call(server, "POST", "/setup", body)
        self.assertEqual((status, session["role"]), (201, "admin"))
        cookie = headers["Set-Cookie"].split(";")[0]
        browser = {"Cookie": cookie, "Origin": server.http, "X-CSRF-Token": session["csrf_token"]}
        self.assertEqual(self.call(server, "GET", "/users", headers=browser)[0], 200)
        self.assertEqual(self.call(server, "DELETE", "/session", headers=browser)[0], 204)
        self.assertEqual(self.call(server, "GET", "/users", headers=browser)[0], 401)
        server.stop()
        server.start()
        self.assertNotIn("setup_code", server.log())
        self.assertFalse(file.exists())

    def test_a_hash_in_the_environment_makes_the_administrator(self):
        made = quicksilver("user", "hash", input=PASSWORD + "\n").stdout.strip()
        server = self.start_server(config(), environment={"QUICKSILVER_ADMIN_PASSWORD_HASH": made})
        status, _, _ = self.call(server, "POST", "/session", {"username": "admin", "password": PASSWORD})
        self.assertEqual(status, 201)

    def test_accounts_are_managed_on_the_command_line_while_the_server_runs(self):
        server = self.start_server(config())
        server.command("user", "add", "anna", "--admin", input=PASSWORD + "\n")
        server.command("user", "add", "vera", input=PASSWORD + "\n")
        users = json.loads(server.command("user", "list", "--json"))
        self.assertEqual([(one["username"], one["role"]) for one in users], [("anna", "admin"), ("vera", "viewer")])
        token = {"Authorization": "Bearer " + server.command("user", "token", "vera", "--scope", "read").strip()}
        self.assertEqual(self.call(server, "GET", "/system", headers=token)[0], 200)
        server.command("user", "set-role", "vera", "operator", "--phi")
        admin = {"Authorization": "Bearer " + server.command("user", "token", "anna", "--scope", "admin").strip()}
        audit = self.call(server, "GET", "/audit?action=patchUser", headers=admin)[2]
        self.assertEqual(audit["items"][0]["object"], "/users/vera: role operator, phi true")
        server.command("user", "delete", "vera")
        self.assertEqual(self.call(server, "GET", "/system", headers=token)[0], 401)
        data = ["--data", str(server.data)]
        self.assertEqual(quicksilver("user", "delete", "anna", *data).returncode, 1)
        self.assertEqual(quicksilver("user", "add", "weak", *data, input="password1234\n").returncode, 1)
        self.assertEqual(quicksilver("user", "add", "anna", *data, input=PASSWORD + "\n").returncode, 1)

    def test_a_lost_second_factor_is_reset_on_the_command_line(self):
        server = self.start_server(config())
        server.command("user", "add", "anna", "--admin", input=PASSWORD + "\n")
        credentials = {"username": "anna", "password": PASSWORD}
        _, headers, session = self.call(server, "POST", "/session", credentials)
        browser = {"Cookie": headers["Set-Cookie"].split(";")[0], "Origin": server.http,
                   "X-CSRF-Token": session["csrf_token"]}
        _, _, begun = self.call(server, "POST", "/me/totp", {"password": PASSWORD}, browser)
        body = {"totp": app_code(begun["secret"])}
        self.assertEqual(self.call(server, "POST", "/me/totp/confirm", body, browser)[0], 200)
        status, _, refused = self.call(server, "POST", "/session", credentials)
        self.assertEqual((status, refused["code"]), (401, "second_factor_required"))
        self.assertTrue(json.loads(server.command("user", "list", "--json"))[0]["second_factor"])
        server.command("user", "reset-second-factor", "anna")
        self.assertEqual(self.call(server, "GET", "/session", headers=browser)[0], 401)
        self.assertEqual(self.call(server, "POST", "/session", credentials)[0], 201)
        again = quicksilver("user", "reset-second-factor", "anna", "--data", str(server.data))
        self.assertEqual(again.returncode, 1)

    def test_an_attack_from_everywhere_does_not_slow_down_who_is_at_the_usual_address(self):
        settings = config()
        settings["http"].update(trusted_proxies=["127.0.0.1"])
        server = self.start_server(settings)
        server.command("user", "add", "anna", "--admin", input=PASSWORD + "\n")

        def sign_in(address, password=PASSWORD):
            body = {"username": "anna", "password": password}
            return self.call(server, "POST", "/session", body, {"X-Forwarded-For": address})[0]

        self.assertEqual(sign_in("10.0.0.1"), 201)
        server.stop()
        server.start()
        guessed = 0
        while sign_in(f"10.1.0.{guessed}", "a wrong password") == 401:
            guessed += 1
            self.assertLess(guessed, 200)
        self.assertGreaterEqual(guessed, 30)
        self.assertEqual(sign_in("10.0.0.1"), 201)

    def test_other_machines_are_served_without_encryption_only_when_told_so(self):
        settings = config()
        settings["http"].update(address="0.0.0.0")
        file = self.folder / "open.json"
        file.write_text(json.dumps(settings))
        refused = quicksilver("config", "check", str(file))
        self.assertEqual(refused.returncode, 1)
        self.assertIn("http.allow_plain", refused.stdout + refused.stderr)
        # As the container does it.
        told = {"QUICKSILVER_HTTP__ADDRESS": "0.0.0.0", "QUICKSILVER_HTTP__ALLOW_PLAIN": "true"}
        self.assertRegex(self.start_server(config(), environment=told).log(), r"ready .* http=http://(?!127\.)")

    def test_the_accounts_of_mercure_are_taken_over(self):
        hashed = quicksilver("user", "hash", input=PASSWORD + "\n").stdout.strip()
        file = self.folder / "users.json"
        file.write_text(json.dumps({"admin": {"password": hashed, "is_admin": "True", "change_password": "False"}}))
        server = self.start_server(config())
        server.command("user", "import", str(file))
        status, _, session = self.call(server, "POST", "/session", {"username": "admin", "password": PASSWORD})
        self.assertEqual((status, session["role"]), (201, "admin"))

    def test_a_rule_made_through_the_interface_delivers_and_survives_a_restart(self):
        out, target = self.folder_target("out")
        server = self.start_server(config(targets={"out": target}))
        admin = server.token()
        rule = {"name": "ct", "rule": "tags.Modality == 'CT'", "target": "out"}
        self.assertEqual(self.call(server, "POST", "/rules", rule, admin)[0], 201)
        server.send(*self.make_series(modality="CT", instances=2))
        delivered(out, 1)
        series, = wait_until(lambda: self.call(server, "GET", "/series?state=done", headers=admin)[2]["items"],
                             "the series in the list")
        self.assertEqual((series["modality"], series["rules"]), ("CT", ["ct"]))
        trace = self.call(server, "GET", f"/series/{series['id']}/trace", headers=admin)[2]["items"]
        self.assertEqual(trace[0]["decision"]["triggered"], ["ct"])
        timeline = self.call(server, "GET", f"/series/{series['id']}/timeline", headers=admin)[2]["items"]
        self.assertIn("dispatch", [span["kind"] for span in timeline])
        viewer = server.token("viewer", ("read",), phi=False)
        masked = self.call(server, "GET", "/series", headers=viewer)[2]["items"][0]
        self.assertIsNone(masked["patient_name"])
        self.assertEqual(self.call(server, "POST", "/rules", rule, viewer)[0], 403)
        server.stop()
        server.start()
        self.assertEqual(self.call(server, "GET", "/rules/ct", headers=admin)[2]["rule"], rule["rule"])

    def test_a_change_by_hand_is_a_revision_and_a_broken_file_runs_the_last_good_one(self):
        _, target = self.folder_target("out")
        settings = config(targets={"out": target}, rules={"a": {"rule": "True", "target": "out"}})
        server = self.start_server(settings)
        admin = server.token()

        def revisions():
            return self.call(server, "GET", "/config/revisions", headers=admin)[2]["items"]
        self.assertEqual([one["source"] for one in revisions()], ["file"])
        settings["rules"]["a"]["comment"] = "by hand"
        server.write_config(settings)
        wait_until(lambda: len(revisions()) == 2, lambda: revisions())
        self.assertEqual(revisions()[0]["changes"][0]["path"], "/rules/a/comment")
        server.stop()
        server.write_config("{ broken")
        server.start()
        self.assertIn("the last good revision runs", server.log())
        status, headers, rule = self.call(server, "GET", "/rules/a", headers=admin)
        self.assertEqual(rule["comment"], "by hand")
        match = {**admin, "If-Match": headers["ETag"]}
        self.assertEqual(self.call(server, "PATCH", "/rules/a", {"comment": "x"}, match)[0], 409)
        status, _, _ = self.call(server, "POST", "/config/revisions/2/actions/restore", {}, admin)
        self.assertEqual(status, 200)
        self.assertEqual(json.loads(server.config_file.read_text())["rules"]["a"]["comment"], "by hand")

    def test_a_paused_stage_waits_until_it_is_resumed(self):
        out, target = self.folder_target("out")
        server = self.start_server(config(targets={"out": target}, rules={"a": {"rule": "True", "target": "out"}}))
        admin = server.token()
        stage = "/pipeline/stages/dispatch/actions/"
        self.assertEqual(self.call(server, "POST", stage + "pause", headers=admin)[0], 204)
        server.wait_for_log("delivery suspended")
        server.send(*self.make_series(instances=1))
        server.wait_for_tasks("outgoing")
        self.assertEqual(self.call(server, "POST", stage + "resume", headers=admin)[0], 204)
        delivered(out, 1)

    def test_live_events_tell_of_series_and_end_with_the_server(self):
        _, target = self.folder_target("out")
        server = self.start_server(config(targets={"out": target}, rules={"a": {"rule": "True", "target": "out"}}))
        request = urllib.request.Request(server.http + "/api/v1/events?topics=series", headers=server.token())
        with urllib.request.urlopen(request, timeout=60) as stream:
            server.send(*self.make_series(instances=1))
            seen = b""
            while b'"state":"done"' not in seen:
                line = stream.readline()
                self.assertTrue(line, seen)
                seen += line
            self.assertIn(b"event: hello", seen)
            self.assertEqual(server.stop(), 0)

    def test_the_files_of_a_series_are_downloaded_and_a_broken_download_goes_on(self):
        out, target = self.folder_target("out")
        server = self.start_server(config(targets={"out": target}, rules={"a": {"rule": "True", "target": "out"}}))
        admin = server.token()
        sent = self.make_series(instances=3)
        server.send(*sent)
        delivered(out, 1)
        series, = wait_until(lambda: self.call(server, "GET", "/series?state=done", headers=admin)[2]["items"],
                             "the series in the list")
        address = server.http + f"/api/v1/series/{series['id']}/archive"

        def download(headers):
            with urllib.request.urlopen(urllib.request.Request(address, headers={**admin, **headers})) as answer:
                return answer.status, answer.headers, answer.read()
        status, headers, whole = download({})
        self.assertEqual((status, int(headers["Content-Length"])), (200, len(whole)))
        with zipfile.ZipFile(io.BytesIO(whole)) as archive:
            self.assertIsNone(archive.testzip())
            self.assertEqual(len(archive.namelist()), len(sent))
        _, _, begin = download({"Range": "bytes=0-5000"})
        status, _, rest = download({"Range": "bytes=5001-", "If-Range": headers["ETag"]})
        self.assertEqual((status, begin + rest), (206, whole))
        tags = self.call(server, "GET", f"/series/{series['id']}/tags?level=instance&n=2", headers=admin)[2]
        self.assertEqual((tags["instances"], tags["data_set"]["00080060"]["vr"]), (3, "CS"))
        chart = self.call(server, "GET", "/stats/timeseries?metric=instances", headers=admin)[2]
        self.assertEqual(sum(chart["series"][0]["v"]), 3)

    def test_live_events_tell_of_targets_open_problems_and_operations(self):
        _, target = self.folder_target("out")
        server = self.start_server(config(targets={"out": target}))
        admin = server.token()
        request = urllib.request.Request(server.http + "/api/v1/events?topics=targets,attention,operations",
                                         headers=admin)
        with urllib.request.urlopen(request, timeout=60) as stream:
            server.call("POST", "/targets/out/test", headers=admin)
            server.call("POST", "/pipeline/stages/route/actions/pause", {"reason": "new rules"}, admin)
            wanted = [b"event: operation", b'"state":"done"', b"event: target", b"new rules"]
            seen = b""
            while not all(text in seen for text in wanted):
                line = stream.readline()
                self.assertTrue(line, seen)
                seen += line

    def test_a_self_signed_certificate_serves_https(self):
        folder = self.folder / "tls"
        made = quicksilver("tls", "self-signed", "--out", folder, "--name", "radiology.example")
        self.assertEqual(made.returncode, 0, made.stderr)
        settings = config()
        settings["http"].update(certificate=str(folder / "certificate.pem"), key=str(folder / "key.pem"))
        server = self.start_server(settings)
        fetched = subprocess.run(["curl", "-sf", "--cacert", folder / "certificate.pem", server.http + "/healthz"],
                                 capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(json.loads(fetched.stdout)["status"], "ok")
        self.assertEqual(quicksilver("tls", "self-signed", "--out", folder).returncode, 1)

    def test_the_examples_of_the_manual_run(self):
        server = self.start_server(config())
        text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
        blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        self.assertGreater(len(blocks), 8)
        environment = clean_environment({"SERVER": server.http, "QUICKSILVER_DATA": str(server.data)})
        environment["PATH"] = os.path.dirname(QUICKSILVER) + ":" + environment["PATH"]
        script = "set -euo pipefail\n" + "\n".join(f"echo '## {n}'\n{block}" for n, block in enumerate(blocks))
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=120, env=environment,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
