"""A real container engine of the test's own, and small images that play modules."""

import io
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
    "sleep": "trap 'exit 9' TERM; echo sleeping; while true; do sleep 0.1; done",
    "gate": 'while [ ! -e /tmp/persistence/open ]; do sleep 0.1; done; cp /tmp/data/*.dcm /tmp/output; echo through',
    "flood": 'yes "this line comes again and again and again" | head -c 20000000; echo the very end;'
             ' cp /tmp/data/*.dcm /tmp/output',
    "root": 'mkdir -m 700 /tmp/output/sub; echo x > /tmp/output/sub/file; umask 077; cp /tmp/data/*.dcm /tmp/output',
    "change-input": 'for f in /tmp/data/*.dcm; do echo broken > "$f"; done; cp /tmp/data/*.dcm /tmp/output',
    "whoami": 'cp /tmp/data/*.dcm /tmp/output; cd /tmp/output; id > id.txt; grep Cap /proc/self/status >> id.txt;'
              ' ls /sys/class/net > net.txt; ls -la /tmp/data > ls.txt; env > env.txt',
    "link": 'cp /tmp/data/*.dcm /tmp/output; ln -s /etc/passwd /tmp/output/passwd.txt; mkfifo /tmp/output/pipe',
    "many": 'cp /tmp/data/*.dcm /tmp/output; for i in $(/bin/busybox seq 2000); do echo x > /tmp/output/$i.txt; done',
    "fill-disk": 'cp /tmp/data/*.dcm /tmp/output; dd if=/dev/zero of=/tmp/output/big bs=1048576; true',
    "count": 'n=$(cat /tmp/persistence/count 2>/dev/null || echo 0); echo $((n + 1)) > /tmp/persistence/count;'
             ' cp /tmp/data/*.dcm /tmp/output',
}


def engine_problem():
    """Why no engine can be started here, or None."""
    if not shutil.which("dockerd"):
        return "dockerd is not installed (package docker.io)"
    if not Path(BUSYBOX).exists():
        return "busybox is not installed (package busybox-static)"
    if os.geteuid() != 0:
        return "only root can start a container engine"
    return None


class Engine:
    """dockerd on a socket and in a folder of its own. No network, so nothing of the machine is changed."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="quicksilver-engine-"))
        self.host = f"unix://{self.folder}/docker.sock"
        self.process = None
        self.start()

    def start(self):
        with open(self.folder / "dockerd.log", "ab") as log:
            self.process = subprocess.Popen(
                ["dockerd", "--iptables=false", "--bridge=none", "--storage-driver=vfs", "--data-root",
                 self.folder / "root", "--exec-root", self.folder / "exec", "-H", self.host, "--pidfile",
                 self.folder / "docker.pid"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        wait_until(self._answers_or_ended, lambda: "the engine answers\n" + self.log()[-3000:])
        if self.process.poll() is not None:
            raise unittest.SkipTest("dockerd cannot run here: " + self.log()[-300:])

    def _answers_or_ended(self):
        return self.process.poll() is not None or self.docker("info").returncode == 0

    def log(self):
        return (self.folder / "dockerd.log").read_text(errors="replace")

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

    def make_image(self, name, script=None, files=None):
        """An image with busybox and one script."""
        tar = io.BytesIO()
        with tarfile.open(fileobj=tar, mode="w", dereference=True) as archive:
            folders = {"bin", "tmp"}.union(*({str(parent) for parent in Path(path).parents} for path in files or {}))
            for folder in sorted(folders - {"."}):
                entry = tarfile.TarInfo(folder)
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(entry)
            archive.add(BUSYBOX, "bin/busybox")
            for command in ("sh cp ls cat sleep id touch mkdir echo true env grep yes head ln mkfifo dd".split()):
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
        made = subprocess.run(["docker", "-H", self.host, "import", "-c", 'CMD ["sh", "/module.sh"]', "-", name],
                              input=tar.getvalue(), capture_output=True, check=False)
        assert made.returncode == 0, made.stderr

    def containers(self, server, *options):
        """Those of this server."""
        label = f"label=quicksilver.installation={server.stage('processing')}"
        return self.docker("ps", "-q", "--filter", label, *options).stdout.split()


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
