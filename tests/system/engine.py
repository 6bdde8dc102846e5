"""A real container engine of the test's own, and small images that play modules."""

import contextlib
import gzip
import hashlib
import http.server
import io
import json
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
import threading
import unittest
from pathlib import Path

from server import end_process, run, wait_until

BUSYBOX = "/bin/busybox"

# What a module does, as a shell script. $MERCURE_IN_DIR and $MERCURE_OUT_DIR are /tmp/data and /tmp/output.
MODULES = {
    "copy": 'cp "$MERCURE_IN_DIR"/*.dcm "$MERCURE_OUT_DIR"; echo copied',
    "result": 'cp /tmp/data/*.dcm /tmp/output; cat /tmp/data/task.json > /tmp/output/task-seen.json;'
              ' echo "{\\"found\\": 3}" > /tmp/output/result.json',
    "array": 'cp /tmp/data/*.dcm /tmp/output; echo "[1, 2]" > /tmp/output/result.json',
    "reroute": 'cp /tmp/data/*.dcm /tmp/output;'
               ' echo "{\\"__mercure_routing\\": {\\"target\\": \\"second\\"}}" > /tmp/output/result.json',
    "discard": 'echo "{\\"__mercure_routing\\": {\\"discard\\": true}}" > /tmp/output/result.json',
    "fail": 'echo "this went wrong" >&2; exit 3',
    "nothing": "true",
    "no-dicom": "echo hello > /tmp/output/image.dcm",
    "sleep": "trap 'touch /tmp/output/asked; exit 9' TERM; echo sleeping; while true; do sleep 0.1; done",
    "stubborn": "trap '' TERM; echo sleeping; while true; do sleep 0.1; done",
    "gate": 'while [ ! -e /tmp/persistence/open ]; do sleep 0.1; done; cp /tmp/data/*.dcm /tmp/output; echo through',
    "flood": 'yes "this line comes again and again and again" | head -c 20000000; echo the very end;'
             ' cp /tmp/data/*.dcm /tmp/output',
    "root": 'mkdir -m 700 /tmp/output/sub; echo x > /tmp/output/sub/file; umask 077; cp /tmp/data/*.dcm /tmp/output',
    "change-input": 'for f in /tmp/data/*.dcm; do echo broken > "$f"; done; cp /tmp/data/*.dcm /tmp/output',
    "whoami": 'cp /tmp/data/*.dcm /tmp/output; cd /tmp/output; id > id.txt; grep Cap /proc/self/status >> id.txt;'
              ' ls /sys/class/net > net.txt; ls -la /tmp/data > ls.txt; env > env.txt',
    "link": 'cp /tmp/data/*.dcm /tmp/output; ln -s /etc/passwd /tmp/output/passwd.txt; mkfifo /tmp/output/pipe',
    "many": 'cp /tmp/data/*.dcm /tmp/output; for i in $(seq 2000); do echo x > /tmp/output/$i.txt; done',
    "fill-disk": 'cp /tmp/data/*.dcm /tmp/output; dd if=/dev/zero of=/tmp/output/big bs=1048576; true',
    "eat-memory": 'dd if=/dev/zero of=/dev/null bs=200000000 count=1 || exit 137; cp /tmp/data/*.dcm /tmp/output',
    "write-root": 'echo x > /made.txt || echo "the root is closed"; cp /tmp/data/*.dcm /tmp/output',
    "report": 'cp /tmp/data/*.dcm /tmp/output; echo "%PDF" > /tmp/output/report.pdf; mkdir /tmp/output/sub;'
              ' echo 1 > /tmp/output/sub/numbers.csv',
    "volumes": 'cp /tmp/data/*.dcm /tmp/output; ls / > /tmp/output/root.txt;'
               ' cat /models/name >> /tmp/output/root.txt; true',
    # As mercure's own dummy processor: everything that it gets, task.json too, and a result.
    "dummy": 'set -e; cp -r "$MERCURE_IN_DIR"/. "$MERCURE_OUT_DIR"; echo "{\\"foo\\": \\"bar\\","'
             ' "\\"__mercure_notification\\": {\\"text\\": \\"seen\\"}}" > "$MERCURE_OUT_DIR/result.json"',
    # As mercure's test module: a new series of the same instances, by the names of the files.
    "rename": 'cd "$MERCURE_IN_DIR"; for f in *.dcm; do cp "$f" "$MERCURE_OUT_DIR/9.9#${f#*#}"; done;'
              ' grep -o "sigma.*[0-9]" task.json > "$MERCURE_OUT_DIR/settings.txt"',
    "count": 'n=$(cat /tmp/persistence/count 2>/dev/null || echo 0); echo $((n + 1)) > /tmp/persistence/count;'
             ' cp /tmp/data/*.dcm /tmp/output',
}


def engine_problem(program="dockerd", package="docker.io"):
    """Why no engine can be started here, or None."""
    if not shutil.which(program):
        return f"{program} is not installed (package {package})"
    if not shutil.which("docker"):
        return "docker is not installed (package docker.io)"
    if not Path(BUSYBOX).exists():
        return "busybox is not installed (package busybox-static)"
    if os.geteuid() != 0:
        return "only root can start a container engine"
    return None


@contextlib.contextmanager
def temporary_file(name):
    """An empty file in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="quicksilver-") as folder:
        path = Path(folder) / name
        path.touch()
        yield path


class Engine:
    """dockerd on a socket and in a folder of its own. No network, so nothing of the machine is changed."""

    name = "dockerd"
    problem = engine_problem()

    def __init__(self, runtimes=None, options=()):
        self.folder = Path(tempfile.mkdtemp(prefix="quicksilver-engine-"))
        self.host = f"unix://{self.folder}/engine.sock"
        self.process = None
        self.runtimes = runtimes or {}  # name of an OCI runtime → its program
        self.options = list(options)
        self.start()

    def command(self):
        """What starts the engine."""
        settings = self.folder / "daemon.json"
        settings.write_text(json.dumps({"runtimes": {name: {"path": path} for name, path in self.runtimes.items()}}))
        return ["dockerd", "--config-file", settings, "--iptables=false", "--bridge=none", "--storage-driver=vfs",
                "--data-root", self.folder / "root", "--exec-root", self.folder / "exec", "-H", self.host,
                "--pidfile", self.folder / "docker.pid", *self.options]

    def environment(self):
        return None

    def start(self):
        with open(self.folder / "engine.log", "ab") as log:
            # Podman's helpers leave files where they are started.
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            cwd=self.folder, env=self.environment())
        wait_until(self._answers_or_ended, lambda: "the engine answers\n" + self.log()[-3000:])
        if self.process.poll() is not None:
            raise unittest.SkipTest(f"{self.name} cannot run here: " + self.log()[-300:])

    def _answers_or_ended(self):
        return self.process.poll() is not None or self.docker("info").returncode == 0

    def log(self):
        return (self.folder / "engine.log").read_text(errors="replace")

    def docker(self, *arguments):
        return run("docker", "-H", self.host, *arguments)

    def stop(self, kill=False):
        if kill:
            end_process(self.process)
        else:
            self.process.terminate()
            self.process.wait(30)

    def remove(self):
        for container in self.docker("ps", "-aq").stdout.split():
            self.docker("rm", "-f", container)
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def make_image(self, name, script=None, files=None, entrypoint=()):
        """An image with busybox and one script."""
        tar = io.BytesIO()
        with tarfile.open(fileobj=tar, mode="w", dereference=True) as archive:
            folders = {"bin", "tmp"}.union(*({str(parent) for parent in Path(path).parents} for path in files or {}))
            for folder in sorted(folders - {"."}):
                entry = tarfile.TarInfo(folder)
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(entry)
            archive.add(BUSYBOX, "bin/busybox")
            for command in ("sh cp ls cat sleep id touch mkdir echo true env grep yes head ln mkfifo dd seq".split()):
                link = tarfile.TarInfo(f"bin/{command}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                archive.addfile(link)
            contents = dict(files or {})
            if script is not None:
                contents["module.sh"] = script
            for path, text in contents.items():
                data = text.encode()
                entry = tarfile.TarInfo(path)
                entry.size, entry.mode = len(data), 0o755
                archive.addfile(entry, io.BytesIO(data))
        starts = ["-c", f"ENTRYPOINT {json.dumps(entrypoint)}"] if entrypoint else []
        starts += ["-c", 'CMD ["sh", "/module.sh"]']
        made = subprocess.run(["docker", "-H", self.host, "import", *starts, "-", name],
                              input=tar.getvalue(), capture_output=True, check=False)
        assert made.returncode == 0, made.stderr

    def containers(self, server, *options):
        """Those of this server."""
        label = f"label=quicksilver.installation={server.stage('processing')}"
        return self.docker("ps", "-q", "--filter", label, *options).stdout.split()


class Podman(Engine):
    """Podman's service, which speaks Docker's language too. Its containers go on while it is away."""

    name = "podman"
    problem = engine_problem("podman", "podman")

    def command(self):
        # runc, which the Docker engine brings, also runs where control groups are of both versions.
        return ["podman", "--root", self.folder / "root", "--runroot", self.folder / "run", "--tmpdir",
                self.folder / "tmp", "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend",
                "file", "--runtime", "runc", "system", "service", "--time", "0", self.host]

    def environment(self):
        # Limits that any machine can grant, and locks that no other Podman shares.
        settings = self.folder / "containers.conf"
        settings.write_text('[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'
                            '[engine]\nlock_type = "file"\n')
        return {**os.environ, "CONTAINERS_CONF": str(settings)}


class Registry:
    """A registry with one image, that of the engine's `name`; counts how often its tag is asked for."""

    def __init__(self, docker, name):
        with tempfile.TemporaryDirectory(prefix="quicksilver-") as folder:
            saved = Path(folder) / "image.tar"
            assert docker.docker("save", "-o", saved, name).returncode == 0
            with tarfile.open(saved) as tar:
                listed, = json.load(tar.extractfile("manifest.json"))
                config = tar.extractfile(listed["Config"]).read()
                layers = [gzip.compress(tar.extractfile(layer).read(), 1) for layer in listed["Layers"]]
        self.blobs = {self.digest(content): content for content in [config, *layers]}
        kind = "application/vnd.docker.distribution.manifest.v2+json"
        described = [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": len(layer),
                      "digest": self.digest(layer)} for layer in layers]
        self.manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "layers": described, "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json", "size": len(config),
            "digest": self.digest(config)}}).encode()
        self.asked = 0
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_HEAD(self):
                self.do_GET()

            def do_GET(self):
                content, content_type = b"{}", "application/json"
                if "/manifests/" in self.path:
                    registry.asked += not self.path.rsplit("/", 1)[1].startswith("sha256:")
                    content, content_type = registry.manifest, kind
                elif "/blobs/" in self.path:
                    content = registry.blobs[self.path.rsplit("/", 1)[1]]
                    content_type = "application/octet-stream"
                self.send_response(200)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Docker-Content-Digest", registry.digest(content))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.image = f"127.0.0.1:{self.server.server_port}/group/{name}"
        self.reference = f"127.0.0.1:{self.server.server_port}/group/{name.split(':')[0]}@{self.digest(self.manifest)}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def digest(content):
        return "sha256:" + hashlib.sha256(content).hexdigest()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class SilentRegistry:
    """A registry that takes a connection and never answers, so that fetching an image does not end."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.connections = []
        self.image = f"127.0.0.1:{self.socket.getsockname()[1]}/silent:1"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                self.connections.append(self.socket.accept()[0])
            except OSError:
                return

    def wait_for_a_client(self):
        wait_until(lambda: self.connections, "the engine asks the registry")

    def close(self):
        if self.socket.fileno() >= 0:
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for connection in self.connections:
            connection.close()
