"""The receivers that are measured, each as a context manager that yields its DICOM port."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

DCMTK_ENVIRONMENT = {"TCP_NODELAY": "1", "TCP_BUFFER_LENGTH": "262144"}
START_LIMIT_S = 30


class NotRunning(Exception):
    """Something that is measured did not start or did not end as it should."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_listening(port, process, log):
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise NotRunning(f"{process.args[0]} does not listen on port {port}:\n{log.read_text()[-2000:]}")


@contextlib.contextmanager
def fresh_folder(work):
    folder = pathlib.Path(tempfile.mkdtemp(dir=work))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def running(command, log, environment=None, durable=True):
    """The process, in a session of its own. `durable=False` makes its fsync free."""
    if not durable:
        command = ["eatmydata", *command]
    with open(log, "wb") as output:
        process = subprocess.Popen([str(word) for word in command], stdout=output, stderr=output,
                                   stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})},
                                   start_new_session=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(START_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        # storescp leaves the processes of associations that are still open.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def storescp(work, *options):
    """DCMTK's receiver: writes what it reads, syncs nothing."""
    with fresh_folder(work) as folder:
        port = free_port()
        images = folder / "images"
        images.mkdir()
        command = ["storescp", "--fork", "+B", "-pdu", 131072, "-dhl", "-q", "-od", images, *options, port]
        log = folder / "log"
        with running(command, log, DCMTK_ENVIRONMENT, durable=False) as process:
            wait_until_listening(port, process, log)
            yield port, process


@contextlib.contextmanager
def storescp_with_processes(work):
    """As storescp, with a process for each file that looks for its series."""
    with storescp(work, "-xcr", "dcmdump -q -M +P SeriesInstanceUID #p/#f") as (port, process):
        yield port, process


def processes_of_session(session):
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] != "Z":
                yield int(stat.parent.name)


def wait_until_alone(process):
    """Until every process that it started has ended."""
    while any(pid != process.pid for pid in processes_of_session(process.pid)):
        time.sleep(0.01)


@contextlib.contextmanager
def orthanc(work):
    with fresh_folder(work) as folder:
        port = free_port()
        config = folder / "orthanc.json"
        config.write_text(json.dumps({
            "Name": "bench", "StorageDirectory": str(folder / "db"), "IndexDirectory": str(folder / "db"),
            "SyncStorageArea": True, "HttpServerEnabled": False, "Plugins": [], "DicomAet": "ORTHANC",
            "DicomPort": port, "DicomCheckCalledAet": False, "DicomAlwaysAllowStore": True,
            "UnknownSopClassAccepted": True, "MaximumPduLength": 131072, "DicomThreadsCount": 4}))
        log = folder / "log"
        with running(["Orthanc", config], log, {"TCP_NODELAY": "1"}) as process:
            wait_until_listening(port, process, log)
            yield port, process


class Quicksilver:
    def __init__(self, process, port, data):
        self.process, self.port, self.data = process, port, data

    def tasks_done(self):
        """Tasks in the folder of those that were delivered as a whole."""
        return sum(1 for name in os.listdir(self.data / "success") if not name.startswith("."))

    def tasks_failed(self):
        return len(os.listdir(self.data / "error"))

    def processor_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024


@contextlib.contextmanager
def quicksilver(work, program, durable=True, **settings):
    with fresh_folder(work) as folder:
        config = folder / "quicksilver.json"
        # Until told otherwise no series is ever complete, so that only reception is measured.
        config.write_text(json.dumps({"port": 0, "http": {"port": 0}, "series_complete_trigger": 3600, "targets": {},
                                      "rules": {}, **settings}))
        log = folder / "log"
        command = [program, "serve", "--config", config, "--data", folder / "data", "--log-level", "warn"]
        with running(command, log, durable=durable) as process:
            deadline = time.monotonic() + START_LIMIT_S
            while not (ready := re.search(r"^ready dicom=\S+:(\d+) ", log.read_text(), re.MULTILINE)):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise NotRunning(f"{program} did not start:\n{log.read_text()[-2000:]}")
                time.sleep(0.02)
            yield Quicksilver(process, int(ready[1]), folder / "data")
        if process.returncode != 0:
            raise NotRunning(f"{program} ended with status {process.returncode}:\n{log.read_text()[-2000:]}")
