"""How fast the interface answers over a long history: bench/rest.py PROGRAM [SERIES]. Prints one line a measure."""

import json
import os
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

REPEATS = 40


def fill(database, count):
    """Series as the bookkeeper would have written them, a second after the other."""
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA synchronous=OFF")
    start = time.time() - count
    with connection:
        for n in range(count):
            uid = f"1.2.826.0.1.3680043.8.498.{n:010}"
            moment = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(start + n))
            name, mrn, acc = f"DOE^JANE {n % 5000}", f"MRN{n // 7:07}", f"ACC{n // 3:08}"
            tags = {"SeriesInstanceUID": uid, "StudyInstanceUID": uid[:-1], "PatientName": name, "PatientID": mrn,
                    "AccessionNumber": acc, "Modality": "CT", "SeriesDescription": "Chest 1.0 B70f",
                    "StudyDescription": "CT Chest", **{f"Filler{i}": "x" * 30 for i in range(25)}}
            connection.execute(
                "INSERT INTO dicom_series (time, series_uid, study_uid, tag_patientname, tag_patientid,"
                " tag_accessionnumber, tag_modality, tag_seriesdescription, tag_studydescription, tags)"
                " VALUES (?, ?, ?, ?, ?, ?, 'CT', 'Chest 1.0 B70f', 'CT Chest', ?)",
                (moment, uid, uid[:-1], name, mrn, acc, json.dumps(tags)))
            connection.execute(
                "INSERT INTO series_state (series_uid, state, since, first_seen, outcome, rules, task_id, instances,"
                " bytes) VALUES (?, 'done', ?, ?, 'sent', 'ct', '', 200, 100000000)", (uid, moment, moment))
    connection.close()


class Server:
    def __init__(self, program, data):
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [program, "serve", "--data", data, "--set", "http.port=0", "--set", "port=0"], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        ready = re.match(r"ready dicom=\S+ http=(\S+)", self.process.stdout.readline())
        self.seconds_to_ready = time.monotonic() - self.began
        self.http = ready.group(1)

    def get(self, path, token):
        request = urllib.request.Request(self.http + path, headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def stop(self):
        self.process.terminate()
        self.process.wait()


def measure(name, ask):
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        ask()
        times.append((time.perf_counter() - began) * 1000)
    p95 = statistics.quantiles(times, n=20)[-1]
    print(f"{name:<34} median {statistics.median(times):7.1f} ms   p95 {p95:7.1f} ms")


def main():
    program, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    data = tempfile.mkdtemp(prefix="quicksilver-bench-")
    try:
        Server(program, data).stop()
        fill(Path(data) / "db" / "quicksilver.sqlite", count)
        subprocess.run([program, "user", "add", "bench", "--admin", "--data", data], input="seven quiet otters\n",
                       text=True, check=True, stdout=subprocess.DEVNULL)
        token = subprocess.run([program, "user", "token", "bench", "--data", data, "--scope", "read", "--scope", "phi",
                                "--scope", "configure"], text=True, check=True, capture_output=True).stdout.strip()
        server = Server(program, data)
        print(f"{'start with ' + str(count) + ' series':<34} {server.seconds_to_ready:.2f} s")
        for name, query in (("first page", ""), ("search by name", "JANE 4711"), ("search by patient id", "MRN0000042"),
                            ("search by accession", "ACC00000017"), ("search for nothing", "nobody at all")):
            path = "/api/v1/series?" + urllib.parse.urlencode({"q": query} if query else {})
            measure(name, lambda path=path: server.get(path, token))
        body = json.dumps({"rule": {"name": "x", "rule": "tags.Modality == 'MR'"}, "limit": 10_000}).encode()
        request = urllib.request.Request(
            server.http + "/api/v1/rules/impact", data=body,
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
        began = time.perf_counter()
        with urllib.request.urlopen(request, timeout=60) as answer:
            looked = json.loads(answer.read())["looked_at"]
        print(f"{'impact of a rule on ' + str(looked):<34} {time.perf_counter() - began:.2f} s")
        if shutil.which("wrk"):
            done = subprocess.run(["wrk", "-t1", "-c16", "-d5", server.http + "/readyz"], capture_output=True,
                                  text=True, check=True)
            print(f"{'/readyz':<34} {re.search(r'Requests/sec:.*', done.stdout).group(0)}")
        server.stop()
    finally:
        shutil.rmtree(data, ignore_errors=True)


if __name__ == "__main__":
    os.environ.pop("QUICKSILVER_DATA", None)
    main()
