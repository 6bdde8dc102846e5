#!/usr/bin/env python3
"""Measures delivery: one series beside storescu and dcmsend, dead targets beside living ones, and a long queue.

    bench/dispatch.py [--program PROGRAM] [--make-series PROGRAM] [--rounds 3] [series] [dead] [queue]
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import time
from datetime import datetime

import peers

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "release"
INSTANCES = 1000
QUEUED = 10_000


def make_series(arguments, folder, instances):
    subprocess.run([arguments.make_series, folder, f"instances={instances}", "bytes=33000"], check=True)
    return sorted(folder.iterdir())


def put_task(data, task_id, files, targets):
    """A task that waits in outgoing/, as the router leaves it; the files are links."""
    folder = data / "outgoing" / task_id
    folder.mkdir(parents=True)
    for file in files:
        os.link(file, folder / f"1.2.3#{file.stem}.dcm")
    status = {target: {"state": "waiting", "time": None} for target in targets}
    (folder / "task.json").write_text(json.dumps({
        "id": task_id, "info": {"action": "route", "uid": f"1.2.3.{task_id}", "uid_type": "series", "mrn": "1"},
        "dispatch": {"target_name": targets, "status": status}}))


@contextlib.contextmanager
def server_over(arguments, work, targets, fill):
    """Quicksilver with these targets; `fill(data)` puts in what waits when it starts."""
    with peers.fresh_folder(work) as prepared:
        for stage in ("outgoing", "success", "error"):
            (prepared / stage).mkdir()
        fill(prepared)
        folders = {f"{stage}_folder": str(prepared / stage) for stage in ("outgoing", "success", "error")}
        with peers.quicksilver(work, arguments.program, targets=targets, **folders) as server:
            yield server, prepared


def wait_for(server, prepared, count):
    while len(os.listdir(prepared / "success")) < count:
        if server.process.poll() is not None or os.listdir(prepared / "error"):
            raise peers.NotRunning("a task was not delivered")
        time.sleep(0.02)


def seconds_of_deliveries(data):
    """From when the first delivery began until the last was complete, by the server's own events."""
    events = []
    deadline = time.monotonic() + 10
    query = "SELECT time, event FROM task_events WHERE event IN ('DISPATCH_BEGIN', 'DISPATCH_COMPLETE')"
    while time.monotonic() < deadline:
        with contextlib.closing(sqlite3.connect(f"file:{data}/db/quicksilver.sqlite?mode=ro", uri=True)) as books:
            events = books.execute(query).fetchall()
        begun = [when for when, event in events if event == "DISPATCH_BEGIN"]
        ended = [when for when, event in events if event == "DISPATCH_COMPLETE"]
        if begun and len(begun) == len(ended):
            return (moment(max(ended)) - moment(min(begun))).total_seconds()
        time.sleep(0.1)
    raise peers.NotRunning(f"no events of the deliveries: {len(events)}")


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def dicom_target(port, **more):
    return {"target_type": "dicom", "ip": "127.0.0.1", "port": port, "aet_target": "ANY-SCP", **more}


def time_of_ours(arguments, files):
    with peers.storescp(arguments.work) as (port, _):
        fill = lambda data: put_task(data, "one", files, ["archive"])
        with server_over(arguments, arguments.work, {"archive": dicom_target(port)}, fill) as (server, prepared):
            wait_for(server, prepared, 1)
            return seconds_of_deliveries(server.data)


def time_of(command, folder, arguments, environment):
    with peers.storescp(arguments.work) as (port, _):
        begun = time.monotonic()
        subprocess.run([*command, "127.0.0.1", str(port), str(folder)], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, env={**os.environ, **environment})
        return time.monotonic() - begun


def measure_series(arguments):
    """One series of 1,000 instances to one storescp."""
    with peers.fresh_folder(arguments.work) as folder:
        files = make_series(arguments, folder / "series", INSTANCES)
        senders = {"storescu": ["storescu", "+sd", "-pdu", "131072"], "dcmsend": ["dcmsend", "+sd", "-pdu", "131072"]}
        tuned, plain, ratios = {}, {}, []
        for _ in range(arguments.rounds):
            ours = time_of_ours(arguments, files)
            for name, command in senders.items():
                tuned[name] = time_of(command, folder / "series", arguments, peers.DCMTK_ENVIRONMENT)
                plain[name] = time_of(command, folder / "series", arguments, {})
            ratios.append((min(tuned.values()) / ours, min(plain.values()) / ours, ours))
        print(f"one series, 33 kB x {INSTANCES}: {INSTANCES / statistics.median(r[2] for r in ratios):.0f}/s; "
              f"{statistics.median(r[0] for r in ratios):.2f} of the best of storescu and dcmsend with TCP_NODELAY "
              f"(>= 0.8), {statistics.median(r[1] for r in ratios):.2f} of their defaults")


@contextlib.contextmanager
def dead_target(kind):
    """Nobody listens, or somebody who never says a word."""
    if kind == "closed":
        yield peers.free_port()
        return
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield silent.getsockname()[1]


def time_of_living(arguments, files, dead):
    """Four targets that work, with a share of tasks each, beside as many `dead` ones."""
    with contextlib.ExitStack() as stack:
        targets = {}
        for index in range(4):
            port, _ = stack.enter_context(peers.storescp(arguments.work))
            targets[f"living{index}"] = dicom_target(port)
        for index in range(dead):
            targets[f"dead{index}"] = dicom_target(stack.enter_context(dead_target(["closed", "silent"][index % 2])))

        def fill(data):
            for number in range(20):
                for name in targets:
                    put_task(data, f"{name}-{number}", files, [name])
        server, prepared = stack.enter_context(server_over(arguments, arguments.work, targets, fill))
        while len(os.listdir(prepared / "success")) < 80:
            if server.process.poll() is not None:
                raise peers.NotRunning("the server ended")
            time.sleep(0.02)
        return delivered_in(server.data, 80)


def delivered_in(data, count):
    query = ("SELECT time, event FROM task_events WHERE target LIKE 'living%' AND event IN "
             "('DISPATCH_BEGIN', 'DISPATCH_COMPLETE')")
    while True:
        with contextlib.closing(sqlite3.connect(f"file:{data}/db/quicksilver.sqlite?mode=ro", uri=True)) as books:
            events = books.execute(query).fetchall()
        ended = [when for when, event in events if event == "DISPATCH_COMPLETE"]
        if len(ended) >= count:
            begun = min(when for when, event in events if event == "DISPATCH_BEGIN")
            return (moment(max(ended)) - moment(begun)).total_seconds()
        time.sleep(0.1)


def measure_dead(arguments):
    """8 targets of which 4 are dead, against the 4 living ones alone."""
    with peers.fresh_folder(arguments.work) as folder:
        files = make_series(arguments, folder / "series", 50)
        ratios = []
        for _ in range(arguments.rounds):
            alone = time_of_living(arguments, files, 0)
            ratios.append(alone / time_of_living(arguments, files, 4))
        print(f"4 living targets beside 4 dead ones: {statistics.median(ratios):.2f} of their speed alone (>= 0.9; "
              f"{min(ratios):.2f} - {max(ratios):.2f})")


def measure_queue(arguments):
    """10,000 tasks that wait: the start, the memory, and how long it takes to deliver them to a folder."""
    with peers.fresh_folder(arguments.work) as folder:
        files = make_series(arguments, folder / "series", 1)
        (folder / "out").mkdir()

        def fill(data):
            for number in range(arguments.queued):
                put_task(data, f"t{number:05}", files, ["out"])
        targets = {"out": {"target_type": "folder", "folder": str(folder / "out"), "max_parallel": 4}}
        with server_over(arguments, arguments.work, targets, fill) as (server, prepared):
            begun, most = time.monotonic(), 0
            while (done := len(os.listdir(prepared / "success"))) < arguments.queued:
                most = max(most, server.resident_bytes())
                if server.process.poll() is not None or time.monotonic() - begun > 600:
                    raise peers.NotRunning(f"{done} of {arguments.queued} delivered")
                time.sleep(0.1)
            seconds = seconds_of_deliveries(server.data)
            used = server.processor_seconds()
        print(f"{arguments.queued} waiting tasks: at most {most / 1e6:.0f} MB (< 200), delivered to a folder in "
              f"{seconds:.1f} s, {used:.1f} s of a processor")


MEASUREMENTS = {"series": measure_series, "dead": measure_dead, "queue": measure_queue}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *MEASUREMENTS], metavar="NAME")
    parser.add_argument("--program", type=pathlib.Path, default=BUILD / "src/app/quicksilver")
    parser.add_argument("--make-series", type=pathlib.Path, default=BUILD / "tests/system/make_series")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--queued", type=int, default=QUEUED)
    parser.add_argument("--work", type=pathlib.Path, default=BUILD / "bench-work")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: stopped"))
    arguments.work.mkdir(parents=True, exist_ok=True)
    try:
        for name in arguments.names or MEASUREMENTS:
            MEASUREMENTS[name](arguments)
    except peers.NotRunning as failure:
        sys.exit(f"bench: {failure}")
    finally:
        shutil.rmtree(arguments.work, ignore_errors=True)


if __name__ == "__main__":
    main()
