#!/usr/bin/python3
"""What the processor costs around a module: a series through an empty module and through one that only copies, beside
`docker run` of the same image on the same files; and how fast the steps without a container are. Needs root, docker.io
and busybox-static; starts an engine of its own. Without them only the steps are measured.

    QUICKSILVER=build/release/src/app/quicksilver MAKE_SERIES=build/release/tests/system/make_series \
        PYTHONPATH=tests/system bench/processor.py [INSTANCES] [ROUNDS]
"""

import os
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

import engine
from server import MAKE_SERIES, Server, config, run, wait_until

SERIES_COMPLETE_S = 3  # a sender that stops for a moment on a busy machine must not make two series of one
ENGINE_RESTS_S = SERIES_COMPLETE_S + 1  # and a second for sending it


def time_of_docker_run(docker, image, series, folder):
    """Seconds of the module alone, with its folders mounted as the processor does it."""
    out = folder / f"out-{time.monotonic_ns()}"
    out.mkdir()
    os.sync()
    # An engine that has rested for seconds is half a second slower than one at work. The processor's has rested while
    # the series arrived, so this one rests as long.
    time.sleep(ENGINE_RESTS_S)
    begun = time.monotonic()
    ended = docker.docker("run", "--rm", "--network", "none", "--cap-drop", "ALL", "-e", "MERCURE_IN_DIR=/tmp/data",
                          "-e", "MERCURE_OUT_DIR=/tmp/output", "-v", f"{series}:/tmp/data", "-v", f"{out}:/tmp/output",
                          image)
    seconds = time.monotonic() - begun
    assert ended.returncode == 0, ended.stderr
    return seconds


EDITS = [{"set": "StudyDescription", "value": "'Trial ' + tags.Modality"}, {"remove": "PatientSex"}]
STEPS = {"edit-tags": {"runner": "edit-tags", "settings": {"edits": EDITS}}, "deidentify": {"runner": "deidentify"}}


class Runs:
    """A server with one module; gives the seconds of each task by the server's own log."""

    def __init__(self, module, docker_host, folder, instances):
        self.folder, self.instances, self.done = folder, instances, 0
        folder.mkdir()
        self.server = Server(folder, config(
            series_complete_trigger=SERIES_COMPLETE_S, modules={"module": module},
            rules={"all": {"rule": "True", "action": "process", "processing_module": ["module"]}},
            processing={"docker_host": docker_host, "max_parallel": 1})).start()

    def processor_seconds(self):
        fields = Path(f"/proc/{self.server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def one(self):
        """Seconds from the beginning of the task until its result is published, and of processor time."""
        series = self.folder / f"send-{self.done}"
        run(MAKE_SERIES, series, f"instances={self.instances}", f"seed={self.done + 10}", "rows=512", "columns=512")
        os.sync()  # what was made for the measurement is not to be written during it
        self.server.send(series)
        before = self.processor_seconds()
        self.done += 1
        wait_until(lambda: len(self.seconds()) == self.done, "the task is processed")
        return self.seconds()[-1], self.processor_seconds() - before

    def seconds(self):
        return [float(text) for text in re.findall(r"task processed.* seconds=([0-9.]+)", self.server.log())]


def measure_steps(folder, instances, rounds):
    for name, module in STEPS.items():
        runs = Runs(module, "", folder / name, instances)
        try:
            seconds, processor = (statistics.median(values) for values in zip(*(runs.one() for _ in range(rounds))))
        finally:
            runs.server.stop()
        print(f"{name}: {instances} instances of 525 kB, median of {rounds}: {seconds:.2f} s, "
              f"{instances / seconds:.0f} instances/s; {processor:.2f} s of processor time", flush=True)


# An empty module leaves a result, because one that leaves nothing has failed.
MODULES = {"empty": "echo '{}' > /tmp/output/result.json", "copy": engine.MODULES["copy"]}


def measure_modules(docker, folder, instances, rounds):
    for name, script in MODULES.items():
        docker.make_image(f"{name}:1", script)
    series = folder / "series"
    run(MAKE_SERIES, series, f"instances={instances}", "rows=512", "columns=512")
    time_of_docker_run(docker, "copy:1", series, folder)  # the first one warms up
    for name, links in (("empty", True), ("empty", False), ("copy", True), ("copy", False)):
        image = f"{name}:1"
        module = {"docker_tag": image, "network_enabled": False, "pull_policy": "never", "link_inputs": links}
        runs = Runs(module, docker.host, folder / f"{name}-{links}", instances)
        try:
            runs.one()  # warms up
            rows = [(time_of_docker_run(docker, image, series, folder), *runs.one()) for _ in range(rounds)]
        finally:
            runs.server.stop()
        alone, ours, processor = (statistics.median(values) for values in zip(*rows))
        ratio = statistics.median(seconds / one for one, seconds, _ in rows)
        print(f"module {name} with {'links to' if links else 'copies of'} its inputs: {instances} instances, median of "
              f"{rounds}: docker run {alone:.2f} s, processor {ours:.2f} s, ratio {ratio:.2f}; {processor:.2f} s of "
              f"processor time; load of the machine {os.getloadavg()[0]:.1f}", flush=True)


def main():
    instances = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory(prefix="quicksilver-bench-") as name:
        measure_steps(Path(name), instances, rounds)
        problem = engine.Engine.problem
        if problem:
            sys.exit(problem)
        docker = engine.Engine()
        try:
            measure_modules(docker, Path(name), instances, rounds)
        finally:
            docker.remove()


if __name__ == "__main__":
    main()
