#!/usr/bin/env python3
"""Measures Quicksilver beside other receivers, all in one run, and prints ratios: see bench/README.md.

    bench/run.py                        everything, about a quarter of an hour
    bench/run.py receive durable        some of it
    bench/run.py --size 33k --clients 1 --rounds 3 pipeline
"""

import argparse
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import peers
from report import Report

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "release"
PROGRAM = BUILD / "src" / "app" / "quicksilver"
NEEDED = ["storescp", "dcmdump", "Orthanc", "eatmydata", "cmake"]
# Bytes of an instance, instances.
SIZES = {"33k": (33_000, 2000), "525k": (525_000, 1000)}
IDLE_S = 20
# The smallest that keeps a series in one piece when the machine is busy.
COMPLETION_S = 1


def build():
    subprocess.run(["cmake", "--preset", "release", "-DQUICKSILVER_BENCH=ON"], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run(["nice", "cmake", "--build", "--preset", "release", "--parallel", str(os.cpu_count()), "--target",
                    "quicksilver", "make_series", "store_load", "bare_durable_write"], cwd=ROOT, check=True)


class Load:
    """Series on disk, one a client, and how to send them."""

    def __init__(self, work, memory, size, clients, instances):
        self.work, self.memory, self.size, self.clients = work, memory, size, clients
        self.bytes, self.instances = SIZES[size][0], instances
        self.folder = work / f"series-{size}-{clients}-{instances}"

    def make(self):
        if self.folder.exists():
            return
        for series in range(self.clients):
            subprocess.run([BUILD / "tests/system/make_series", self.folder / str(series), f"bytes={self.bytes}",
                            f"instances={self.instances // self.clients}", f"seed={series + 1}"], check=True)

    def send(self, port):
        """Seconds until the last instance was acknowledged."""
        return run_timed(BUILD / "bench/store_load", "127.0.0.1", port, self.clients, self.folder)

    def write_bare(self):
        with peers.fresh_folder(self.work) as folder:
            return run_timed(BUILD / "bench/bare_durable_write", folder, self.clients, self.instances, self.bytes)


def run_timed(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise peers.NotRunning(f"{command[0]}: {done.stderr}")
    return float(done.stdout)


def receive_raw(load, work):
    with peers.storescp(work) as (port, _):
        return load.send(port)


def receive(load, durable):
    work = load.work if durable else load.memory
    with peers.quicksilver(work, PROGRAM, durable) as server:
        return load.send(server.port)


def receive_with_processes(load):
    with peers.storescp_with_processes(load.work) as (port, process):
        began = time.monotonic()
        load.send(port)
        peers.wait_until_alone(process)
        return time.monotonic() - began


def receive_by_orthanc(load):
    with peers.orthanc(load.work) as (port, _):
        return load.send(port)


def receive_and_deliver(load):
    """Seconds from the first instance to the last delivered series, without the wait for completion."""
    with peers.storescp(load.memory) as (target_port, _):
        target = {"target_type": "dicom", "ip": "127.0.0.1", "port": target_port, "aet_target": "ANY-SCP",
                  "max_parallel": load.clients}
        settings = {"series_complete_trigger": COMPLETION_S, "targets": {"archive": target},
                    "rules": {"all": {"rule": "True", "target": "archive"}}}
        with peers.quicksilver(load.memory, PROGRAM, durable=False, **settings) as server:
            began = time.monotonic()
            load.send(server.port)
            while server.tasks_done() < load.clients:
                if server.tasks_failed() or server.process.poll() is not None:
                    raise peers.NotRunning("a series was not delivered")
                time.sleep(0.005)
            return time.monotonic() - began - COMPLETION_S


def measure_receive(load, report):
    raw, ours = receive_raw(load, load.memory), receive(load, durable=False)
    report.add("receive", load, "receiving / storescp +B, fsync free", raw / ours, 0.6)
    report.note(load, "storescp +B, fsync free", load.instances / raw)
    report.note(load, "ours, fsync free", load.instances / ours)


def measure_durable(load, report):
    raw, bare, ours = receive_raw(load, load.work), load.write_bare(), receive(load, durable=True)
    report.add("durable", load, "durable receiving / its limit", (raw + bare) / ours, 0.85)
    report.note(load, "storescp +B", load.instances / raw)
    report.note(load, "bare durable writes", load.instances / bare)
    report.note(load, "ours, durable", load.instances / ours)


def measure_peers(load, report):
    ours = receive(load, durable=True)
    orthanc = receive_by_orthanc(load)
    processes = receive_with_processes(load)
    report.add("peers", load, "durable receiving / Orthanc", orthanc / ours, 2)
    report.add("peers", load, "durable receiving / a process a file", processes / ours, 8)
    report.note(load, "ours, durable", load.instances / ours)
    report.note(load, "Orthanc, durable", load.instances / orthanc)
    report.note(load, "storescp -xcr", load.instances / processes)


def measure_pipeline(load, report):
    raw_receive = receive_raw(load, load.memory)
    whole = receive_and_deliver(load)
    raw_send = receive_raw(load, load.memory)
    report.add("pipeline", load, "receive, route, dispatch: time / (raw receive + raw send), fsync free",
               whole / (raw_receive + raw_send), 1.6, lower_is_better=True)
    report.note(load, "storescp +B, fsync free", load.instances / raw_receive)
    report.note(load, "storescp +B, fsync free", load.instances / raw_send)
    report.note(load, "ours to the target", load.instances / whole)


def measure_idle(work, memory, report):
    """After some work, because an idle server has usually done some."""
    load = Load(work, memory, "33k", 1, SIZES["33k"][1])
    load.make()
    with peers.quicksilver(work, PROGRAM) as server:
        load.send(server.port)
        time.sleep(3)
        before = server.processor_seconds()
        time.sleep(IDLE_S)
        share = (server.processor_seconds() - before) / IDLE_S * 100
        report.add("idle", None, "idle: per cent of a core", share, 1, lower_is_better=True)
        report.add("idle", None, "idle: resident MB", server.resident_bytes() / 1e6, 80, lower_is_better=True)


MEASUREMENTS = {"receive": measure_receive, "durable": measure_durable, "peers": measure_peers,
                "pipeline": measure_pipeline}
SLOW = {"peers"}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *MEASUREMENTS, "idle"], metavar="NAME",
                        help=f"{', '.join(MEASUREMENTS)} or idle (default: all)")
    parser.add_argument("--size", action="append", choices=list(SIZES))
    parser.add_argument("--clients", action="append", type=int)
    parser.add_argument("--rounds", type=int, default=5, help="default: 5; peers take at most 2")
    parser.add_argument("--share", type=float, default=1.0, help="part of the instances, for a quick look")
    parser.add_argument("--work", type=pathlib.Path, default=BUILD / "bench-work",
                        help="a folder on the disk to be measured (default: %(default)s)")
    # eatmydata spares our own fsync, not the wait for that of others who use the same disk.
    parser.add_argument("--memory", type=pathlib.Path, default=pathlib.Path("/dev/shm"),
                        help="where the measurements with free fsync write (default: %(default)s)")
    parser.add_argument("--no-build", action="store_true")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    names = arguments.names or [*MEASUREMENTS, "idle"]
    missing = [tool for tool in NEEDED if not shutil.which(tool)]
    if missing:
        sys.exit(f"bench: {', '.join(missing)} not found; as root: packaging/packages.sh bench")
    if not arguments.no_build:
        build()
    # So that the receivers are stopped and the folders removed then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: stopped"))
    arguments.work.mkdir(parents=True, exist_ok=True)
    report = Report()
    try:
        for size in arguments.size or SIZES:
            for clients in arguments.clients or (1, 4):
                instances = int(SIZES[size][1] * arguments.share) // clients * clients
                load = Load(arguments.work, arguments.memory, size, clients, instances)
                load.make()
                for round_number in range(arguments.rounds):
                    for name in names:
                        if name in MEASUREMENTS and not (name in SLOW and round_number >= 2):
                            report.progress(f"{size}, {clients} clients, round {round_number + 1}: {name}")
                            MEASUREMENTS[name](load, report)
                shutil.rmtree(load.folder)
        if "idle" in names:
            report.progress("idle")
            measure_idle(arguments.work, arguments.memory, report)
    except peers.NotRunning as failure:
        sys.exit(f"bench: {failure}")
    finally:
        report.print()
        shutil.rmtree(arguments.work, ignore_errors=True)


if __name__ == "__main__":
    main()
