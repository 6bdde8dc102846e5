"""The server in a container itself, whose modules run beside it on the same engine."""

import io
import json
import subprocess
import tarfile
import unittest
from pathlib import Path

import engine
from processor_case import ProcessingCase
from server import QUICKSILVER, Server, config, delivered, instances

ROOT = "/srv/quicksilver"  # where the folder of the test lies in the container


class ContainedServer(Server):
    """A server in a container without a system of its own: it has the machine's `/usr`."""

    def __init__(self, folder, settings, docker):
        super().__init__(folder, settings)
        self._docker = docker

    def launch(self):
        program = Path(QUICKSILVER)
        mounts = {"/usr": "/usr:ro", program.parent: "/program:ro", self.folder: ROOT,
                  self._docker.folder / "engine.sock": "/var/run/docker.sock"}
        volumes = [word for host, inside in mounts.items() for word in ("-v", f"{host}:{inside}")]
        self._errors = self.folder / "server.log"
        with open(self._errors, "wb") as errors:
            self.process = subprocess.Popen(
                ["docker", "-H", self._docker.host, "run", "--rm", "--network", "host", *volumes, "shell:1",
                 f"/program/{program.name}", "serve", "--data", f"{ROOT}/data", "--config", f"{ROOT}/quicksilver.json"],
                stdout=subprocess.DEVNULL, stderr=errors, stdin=subprocess.DEVNULL)
        return self


class InContainer(ProcessingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        tar = io.BytesIO()
        with tarfile.open(fileobj=tar, mode="w") as archive:
            for name in ("bin", "lib", "lib64"):
                link = tarfile.TarInfo(name)
                link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
                archive.addfile(link)
        made = subprocess.run(["docker", "-H", cls.engine.host, "import", "-", "shell:1"], input=tar.getvalue(),
                              capture_output=True, check=False)
        assert made.returncode == 0, made.stderr

    def test_modules_see_the_folders_of_the_server_whatever_its_host_name(self):
        # On the machine's network the container has the machine's name, by which the engine does not know it.
        first = self.make_folder("first")
        settings = config(targets={"first": {"target_type": "folder", "folder": f"{ROOT}/first"}},
                          rules={"every": {"rule": "True", "action": "both", "target": "first",
                                           "processing_module": ["result"]}},
                          modules={"result": self.module("result")})
        self.server = ContainedServer(self.folder, settings, self.engine)
        self.addCleanup(self.server.stop)
        self.server.start()
        self.server.send(*self.make_series(instances=2))
        task, = delivered(first, 1)
        self.assertEqual(len(instances(task)), 2)
        self.assertEqual(json.loads((task / "task.json").read_text())["process"]["output"], {"found": 3})


if __name__ == "__main__":
    unittest.main()
