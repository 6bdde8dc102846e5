#!/usr/bin/env python3
"""How fast the interface answers over a long history, at rest and while images arrive, and what it costs reception.

    bench/rest.py BUILD [SERIES]    BUILD is a build folder such as build/release, with store_load for the second part
"""

import json
import os
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

REPEATS = 40
# More often the server does not answer one user.
ALLOWED_PER_S = 50
# While images arrive, somebody asks that often.
ASKED_PER_S = 5
ARRIVING_PER_S = 1000
ARRIVING_S = 12


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
            tags = {"SenderAET": f"CT{n % 20}", "SenderAddress": f"10.0.0.{n % 20}", "SeriesInstanceUID": uid,
                    "StudyInstanceUID": uid[:-1], "PatientName": name, "PatientID": mrn,
                    "AccessionNumber": acc, "Modality": "CT", "SeriesDescription": "Chest 1.0 B70f",
                    "StudyDescription": "CT Chest", **{f"Filler{i}": "x" * 30 for i in range(25)}}
            connection.execute(
                "INSERT INTO dicom_series (time, series_uid, study_uid, tag_patientname, tag_patientid,"
                " tag_accessionnumber, tag_modality, tag_seriesdescription, tag_studydescription, tags)"
                " VALUES (?, ?, ?, ?, ?, ?, 'CT', 'Chest 1.0 B70f', 'CT Chest', ?)",
                (moment, uid, uid[:-1], name, mrn, acc, json.dumps(tags)))
            connection.execute(
                "INSERT INTO series_state (series_uid, state, since, first_seen, outcome, rules, task_id, instances,"
                " bytes) VALUES (?, ?, ?, ?, 'sent', 'ct', '', 200, 100000000)",
                (uid, "failed" if n % 1000 == 7 else "done", moment, moment))
            fill_tasks(connection, n, uid, moment)
    connection.close()


def fill_tasks(connection, n, uid, moment):
    """As the router and the dispatcher would have written them; one series of 10,000 met a rare module."""
    parent, task = f"parent-{n:08}", f"task-{n:08}"
    info = {"uid": uid, "uid_type": "series", "applied_rule": "ct",
            "fail_stage": "PROCESSING" if n % 2000 == 7 else None}
    insert = "INSERT INTO tasks (id, parent_id, time, series_uid, study_uid, data) VALUES (?, ?, ?, ?, '', ?)"
    connection.execute(insert, (parent, None, moment, uid, None))
    connection.execute(insert, (task, parent, moment, uid, json.dumps({"info": info})))
    events = [(parent, "REGISTER", "ct"), (parent, "DELEGATE", task), (parent, "MOVE", f"/data/outgoing/{task}"),
              (task, "DISPATCH_BEGIN", "pacs"), (task, "DISPATCH_COMPLETE", "pacs"),
              (task, "MOVE", f"/data/success/{task}"), (task, "COMPLETE", "")]
    if n % 10_000 == 11:
        events.append((task, "PROCESS_MODULE_BEGIN", "rare"))
    connection.executemany(
        "INSERT INTO task_events (task_id, time, sender, event, file_count, target, info, client_timestamp)"
        " VALUES (?, ?, 'dispatcher.main', ?, 200, ?, '', 0)",
        [(id, moment, event, target) for id, event, target in events])


class Server:
    def __init__(self, program, data):
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [program, "serve", "--data", data, "--set", "http.port=0", "--set", "port=0"], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        ready = re.match(r"ready dicom=\S+:(\d+) http=(\S+)", self.process.stdout.readline())
        self.seconds_to_ready = time.monotonic() - self.began
        self.dicom_port, self.http = ready.group(1), ready.group(2)

    def get(self, path, token):
        request = urllib.request.Request(self.http + path, headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def stop(self):
        self.process.terminate()
        self.process.wait()


def show(name, times):
    p95 = statistics.quantiles(times, n=20)[-1]
    print(f"{name:<40} median {statistics.median(times):7.1f} ms   p95 {p95:7.1f} ms", flush=True)


def milliseconds(ask):
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1000


QUESTIONS = {"first page": "", "search by name": "JANE 4711", "search by patient id": "MRN0000042",
             "search by accession": "ACC00000017", "search for a part of all": "doe", "search by two letters": "zz",
             "search for nothing": "nobody at all"}

LISTS = {"of a target": "series?target=pacs", "of a target that has nothing": "series?target=none",
         "of a rare module": "series?module=rare", "that failed in a stage": "series?stage=process",
         "of a source": "series?source=CT3%4010.0.0.3", "of no source": "series?source=X%401",
         "held": "series?held=true", "tasks": "tasks", "sources": "sources",
         "one series": "series/1.2.826.0.1.3680043.8.498.0000000042"}


def ask_of(server, token, text):
    path = "/api/v1/series?" + urllib.parse.urlencode({"q": text} if text else {})
    return lambda: server.get(path, token)


def measure_at_rest(server, token):
    asks = {name: ask_of(server, token, text) for name, text in QUESTIONS.items()}
    asks.update({name: lambda path=path: server.get("/api/v1/" + path, token) for name, path in LISTS.items()})
    for name, ask in asks.items():
        times = []
        for _ in range(REPEATS):
            times.append(milliseconds(ask))
            time.sleep(1 / ALLOWED_PER_S)
        show(name, times)


class Asking(threading.Thread):
    """Somebody who looks things up, one question after the other, until told to stop."""

    def __init__(self, server, token):
        super().__init__()
        self.asks = {name: ask_of(server, token, text) for name, text in QUESTIONS.items()}
        self.times = {name: [] for name in QUESTIONS}
        self.over = threading.Event()

    def run(self):
        while True:
            for name, ask in self.asks.items():
                took = milliseconds(ask)
                self.times[name].append(took)
                if self.over.wait(max(0, 1 / ASKED_PER_S - took / 1000)):
                    return


def measure_while_arriving(build, folder, server, token):
    """Reception at full speed with and without questions, in turns; then questions at a given speed of reception."""
    def arrive(seed, instances, *rate):
        images = folder / f"images-{seed}"
        subprocess.run([build / "tests/system/make_series", images, "bytes=33000", f"instances={instances}",
                        f"seed={seed}"], check=True)
        done = subprocess.run([build / "bench/store_load", *rate, "127.0.0.1", server.dicom_port, "2", images],
                              check=True, capture_output=True, text=True)
        shutil.rmtree(images)
        return float(done.stdout)

    ratios = []
    for seed in range(1, 11, 2):
        alone = arrive(seed, 4000)
        asking = Asking(server, token)
        asking.start()
        together = arrive(seed + 1, 4000)
        asking.over.set()
        asking.join()
        ratios.append(alone / together)
    ratio = statistics.median(ratios)
    print(f"{'reception while asked / alone':<40} {ratio:.2f} (of {len(ratios)} rounds)", flush=True)
    asking = Asking(server, token)
    asking.start()
    took = arrive(99, ARRIVING_PER_S * ARRIVING_S, "--rate", str(ARRIVING_PER_S))
    asking.over.set()
    asking.join()
    print(f"{ARRIVING_PER_S * ARRIVING_S / took:.0f} instances a second arrive:")
    for name, times in asking.times.items():
        show("  " + name, times)


def measure_impact(server, token):
    body = json.dumps({"rule": {"name": "x", "rule": "tags.Modality == 'MR'"}, "limit": 10_000}).encode()
    request = urllib.request.Request(server.http + "/api/v1/rules/impact", data=body,
                                     headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=60) as answer:
        looked = json.loads(answer.read())["looked_at"]
    print(f"{'impact of a rule on ' + str(looked):<40} {time.perf_counter() - began:.2f} s")


def measure_readiness(server):
    done = subprocess.run(["wrk", "-t1", "-c16", "-d5", server.http + "/readyz"], capture_output=True, text=True,
                          check=True)
    print(f"{'/readyz':<40} {re.search(r'Requests/sec:.*', done.stdout).group(0)}")


def main():
    build, count = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    program = build / "src/app/quicksilver"
    data = tempfile.mkdtemp(prefix="quicksilver-bench-")
    try:
        Server(program, data).stop()
        fill(Path(data) / "db" / "quicksilver.sqlite", count)
        subprocess.run([program, "user", "add", "bench", "--admin", "--data", data], input="seven quiet otters\n",
                       text=True, check=True, stdout=subprocess.DEVNULL)
        token = subprocess.run([program, "user", "token", "bench", "--data", data, "--scope", "read", "--scope", "phi",
                                "--scope", "configure"], text=True, check=True, capture_output=True).stdout.strip()
        server = Server(program, data)
        print(f"{'start with ' + str(count) + ' series':<40} {server.seconds_to_ready:.2f} s", flush=True)
        measure_at_rest(server, token)
        measure_impact(server, token)
        if shutil.which("wrk"):
            measure_readiness(server)
        if (build / "bench/store_load").exists():
            measure_while_arriving(build, Path(data), server, token)
        server.stop()
    finally:
        shutil.rmtree(data, ignore_errors=True)


if __name__ == "__main__":
    os.environ.pop("QUICKSILVER_DATA", None)
    main()
