"""What the system tests share: a real server in a temporary folder, phantom series, and one way to wait."""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

QUICKSILVER = os.environ["QUICKSILVER"]
MAKE_SERIES = os.environ["MAKE_SERIES"]

# Long enough for a build with sanitizers on a busy machine; nothing waits this long unless it has failed.
PATIENCE_S = 60

# Of the users that tests make.
PASSWORD = "seven quiet otters"


def wait_until(condition, what, timeout=PATIENCE_S):
    """Asks again and again until `condition()` is true, and returns what it gave. Fails with `what` after `timeout`."""
    deadline = time.monotonic() + timeout
    pause = threading.Event()
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what() if callable(what) else what}")
        pause.wait(0.02)


def free_port():
    """A port that nobody had a moment ago, for programs that cannot pick one themselves. It is none of those that the
    system gives to others."""
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", random.randrange(20000, 32768)))
            return probe.getsockname()[1]


def run(*command, timeout=120, env=None, input=None):
    """Runs a program to its end; its output is text, whatever its bytes are."""
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, errors="replace",
                          timeout=timeout, env=clean_environment(env), input=input, check=False)


def quicksilver(*arguments, **options):
    return run(QUICKSILVER, *arguments, **options)


def clean_environment(extra=None):
    """Ours without anything that would configure the server."""
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith(("QUICKSILVER", "MERCURE")) and key != "TZ"}
    environment.update(extra or {})
    return environment


def config(**keys):
    """A configuration for tests: free ports, this machine only, and no waiting."""
    base = {
        "port": 0, "http": {"port": 0}, "dicom": {"address": "127.0.0.1"}, "disk_free_min": 0,
        "accept_compressed_images": True, "series_complete_trigger": 0.2, "retry_delay": 0.3,
        "emergency_clean_percentage": 100,
    }
    base.update(keys)
    return base


class Server:
    """A running `quicksilver serve`. Its logs are files, so that no pipe can block it."""

    def __init__(self, folder, settings=None, arguments=(), environment=None, data=None):
        self.folder = Path(folder)
        self.data = Path(data) if data else self.folder / "data"
        self.config_file = self.folder / "quicksilver.json"
        self._stages = {}
        self._tokens = {}
        if settings is not None:
            self.write_config(settings)
        self._arguments = [str(argument) for argument in arguments]
        self._environment = environment
        self._errors = None
        self.process = None
        self.dicom = self.host = self.http = None
        self.port = 0

    def write_config(self, settings):
        """Whole-file replacement, as an editor or a deployment does it."""
        if not isinstance(settings, str):
            self._stages = {key: Path(path) for key, path in settings.items() if key.endswith("_folder")}
        text = settings if isinstance(settings, str) else json.dumps(settings, indent=2)
        new = self.config_file.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        new.rename(self.config_file)

    def launch(self):
        """Starts the process and does not wait for it to be ready."""
        command = [QUICKSILVER, "serve", "--data", str(self.data)]
        if self.config_file.exists():
            command += ["--config", str(self.config_file)]
        self._errors = self.folder / f"server-{len(list(self.folder.glob('server-*.log')))}.log"
        with open(self._errors, "wb") as errors:
            self.process = subprocess.Popen(command + self._arguments, stdout=subprocess.DEVNULL, stderr=errors,
                                            stdin=subprocess.DEVNULL, env=clean_environment(self._environment))
        return self

    def start(self):
        self.launch()
        ready = wait_until(self._ready_line_or_end, lambda: "the ready line\n" + self.log())
        if ready == "ended":
            raise AssertionError(f"the server ended with status {self.process.returncode}:\n{self.log()}")
        self.dicom, self.http = ready.group(1), ready.group(2)
        self.host, port = self.dicom.rsplit(":", 1)
        self.port = int(port)
        return self

    def _ready_line_or_end(self):
        ready = re.search(r"^ready dicom=(\S+) http=(\S+)$", self.log(), re.MULTILINE)
        return ready or ("ended" if self.process.poll() is not None else None)

    def log(self):
        """What this run of the server said."""
        return self._errors.read_text(encoding="utf-8", errors="replace")

    def wait_for_log(self, text):
        wait_until(lambda: text in self.log(), lambda: f'"{text}" in the log:\n{self.log()}')

    def stop(self, timeout=PATIENCE_S):
        """A clean stop; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def get(self, path, headers=None):
        """Status and text of a GET request."""
        try:
            request = urllib.request.Request(self.http + path, headers=headers or {})
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def call(self, method, path, body=None, headers=None):
        """A request to the REST interface: status, headers, and JSON of the answer."""
        data = None if body is None else json.dumps(body).encode()
        sent = dict(headers or {})
        if data is not None:
            sent["Content-Type"] = "application/json"
        request = urllib.request.Request(self.http + "/api/v1" + path, data=data, headers=sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                status, got, text = answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                status, got, text = error.code, error.headers, error.read()
        return status, got, json.loads(text) if text else None

    def command(self, *arguments, **options):
        """Runs one of our commands on the data folder of this server."""
        done = quicksilver(*arguments, "--data", str(self.data), **options)
        if done.returncode != 0:
            raise AssertionError(f"{arguments} failed: {done.stdout}{done.stderr}")
        return done.stdout

    def token(self, role="admin", scopes=("read", "operate", "configure", "admin", "phi"), phi=True):
        """The Authorization header of a token of a user with that role, who is made when there is none."""
        key = (role, tuple(scopes), phi)
        if key not in self._tokens:
            name = f"{role}-{len(self._tokens)}"
            self.command("user", "add", name, "--role", role, *(["--phi"] if phi else []), input=PASSWORD + "\n")
            words = [word for scope in scopes for word in ("--scope", scope)]
            self._tokens[key] = "Bearer " + self.command("user", "token", name, *words).strip()
        return {"Authorization": self._tokens[key]}

    def metrics(self):
        """The metrics as name with labels → number."""
        lines = [line for line in self.get("/metrics")[1].splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}

    def pipeline(self):
        return json.loads(self.get("/api/v1/pipeline", self.token())[1])

    def send(self, *paths, **options):
        """Sends with our own client; fails unless all were stored."""
        words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
        sent = quicksilver("send", *paths, "--to", self.dicom, *words)
        if sent.returncode != 0:
            raise AssertionError(f"send failed: {sent.stdout}{sent.stderr}\n{self.log()}")
        return sent

    def stage(self, name):
        return self._stages.get(f"{name}_folder", self.data / name)

    def tasks(self, stage):
        """The task folders of a stage, without hidden ones."""
        return sorted(path for path in self.stage(stage).iterdir() if path.is_dir() and not path.name.startswith("."))

    def wait_for_tasks(self, stage, count=1):
        """Exactly `count` task folders of a stage, once there are that many."""
        wait_until(lambda: len(self.tasks(stage)) >= count,
                   lambda: f"{count} in {stage}; there are {self.tasks(stage)}\n{self.log()}")
        tasks = self.tasks(stage)
        assert len(tasks) == count, f"{len(tasks)} in {stage} instead of {count}"
        return tasks

    def is_at_rest(self):
        """Nothing arrives, is being routed, waits for its study, or waits to be delivered."""
        incoming = [path for path in self.stage("incoming").iterdir() if path.name != "error"]
        return not incoming and not any(any(self.stage(name).iterdir()) for name in ("studies", "outgoing"))

    def wait_until_at_rest(self, timeout=PATIENCE_S):
        wait_until(self.is_at_rest, lambda: "nothing left to do\n" + self.log(), timeout)


class SystemTest(unittest.TestCase):
    """A temporary folder for each test, and an end for everything that the test starts."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="quicksilver-system-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def make_server(self, settings=None, **options):
        server = Server(self.folder, settings, **options)
        self.addCleanup(self._end, server)
        return server

    def start_server(self, settings=None, **options):
        return self.make_server(settings, **options).start()

    def start_process(self, *command, output=subprocess.DEVNULL):
        """A helper program, such as `storescp`, that is killed at the end of the test."""
        process = subprocess.Popen([str(word) for word in command], stdout=output, stderr=subprocess.STDOUT,
                                   stdin=subprocess.DEVNULL, env=clean_environment())
        self.addCleanup(end_process, process)
        return process

    def make_folder(self, name):
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def folder_target(self, name):
        """A folder and the target that delivers there."""
        folder = self.make_folder(name)
        return folder, {"target_type": "folder", "folder": str(folder)}

    def make_series(self, name="series", **settings):
        """The files of one phantom series."""
        folder = self.folder / name
        made = run(MAKE_SERIES, folder, *[f"{key}={value}" for key, value in settings.items()])
        self.assertEqual(made.returncode, 0, made.stderr)
        return sorted(folder.iterdir())

    def _end(self, server):
        if server.process:
            end_process(server.process)


def end_process(process):
    if process.poll() is None:
        process.kill()
    process.wait()


def delivered(folder, count):
    """The `count` task folders of a folder target, once all of them are complete."""
    def complete():
        found = sorted(path.parent for path in Path(folder).glob("[!.]*/.complete"))
        return found if len(found) >= count else None
    found = wait_until(complete, lambda: f"{count} deliveries in {folder}: {sorted(Path(folder).glob('*/*'))}")
    assert len(found) == count, f"{len(found)} deliveries instead of {count}"
    return found


def instances(folder):
    """File name → content of the instances below a folder."""
    while True:
        try:
            return {path.name: path.read_bytes() for path in Path(folder).rglob("*.dcm")}
        except FileNotFoundError:
            pass  # a folder got its final name meanwhile
