#!/usr/bin/python3
"""What the processor costs around a module: a series through a module that only copies, beside `docker run` of the same
image on the same files; and how fast the steps without a container are. Needs root, docker.io and busybox-static;
starts an engine of its own. Without them only the steps are measured.

    QUICKSILVER=build/release/src/app/quicksilver MAKE_SERIES=build/release/tests/system/make_series \
        PYTHONPATH=tests/system bench/processor.py [INSTANCES] [ROUNDS]
"""

import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

import engine
from server import MAKE_SERIES, Server, config, run


def time_of_docker_run(docker, series, folder):
    """Seconds of the module alone, with its folders mounted as the processor does it."""
    out = folder / f"out-{time.monotonic_ns()}"
    out.mkdir()
    begun = time.monotonic()
    ended = docker.docker("run", "--rm", "--network", "none", "--cap-drop", "ALL", "-e", "MERCURE_IN_DIR=/tmp/data",
                          "-e", "MERCURE_OUT_DIR=/tmp/output", "-v", f"{series}:/tmp/data", "-v", f"{out}:/tmp/output",
                          "copy:1")
    seconds = time.monotonic() - begun
    assert ended.returncode == 0, ended.stderr
    return seconds


EDITS = [{"set": "StudyDescription", "value": "'Trial ' + tags.Modality"}, {"remove": "PatientSex"}]
STEPS = {"edit-tags": {"runner": "edit-tags", "settings": {"edits": EDITS}}, "deidentify": {"runner": "deidentify"}}


def times_of_processor(module, docker_host, folder, instances, rounds):
    """Seconds from the beginning of the task until its result is published, by the server's own log."""
    settings = config(
        rules={"all": {"rule": "True", "action": "process", "processing_module": ["module"]}},
        modules={"module": module}, processing={"docker_host": docker_host, "max_parallel": 1})
    folder.mkdir()
    server = Server(folder, settings).start()
    try:
        for seed in range(rounds):
            series = folder / f"send-{seed}"
            run(MAKE_SERIES, series, f"instances={instances}", f"seed={seed + 10}", "rows=512", "columns=512")
            server.send(series)
            server.wait_for_tasks("success", seed + 1)
        return [float(seconds) for seconds in re.findall(r"task processed.* seconds=([0-9.]+)", server.log())]
    finally:
        server.stop()


def measure_steps(folder, instances, rounds):
    for name, module in STEPS.items():
        seconds = statistics.median(times_of_processor(module, "", folder / name, instances, rounds))
        print(f"{name}: {instances} instances of 525 kB, median of {rounds}: {seconds:.2f} s, "
              f"{instances / seconds:.0f} instances/s", flush=True)


def measure_modules(docker, folder, instances, rounds):
    docker.make_image("copy:1", engine.MODULES["copy"])
    series = folder / "series"
    run(MAKE_SERIES, series, f"instances={instances}", "rows=512", "columns=512")
    time_of_docker_run(docker, series, folder)  # the first one warms up
    alone = statistics.median(time_of_docker_run(docker, series, folder) for _ in range(rounds))
    for links in (False, True):
        module = {"docker_tag": "copy:1", "network_enabled": False, "pull_policy": "never", "link_inputs": links}
        ours = statistics.median(times_of_processor(module, docker.host, folder / f"links-{links}", instances, rounds))
        print(f"module with {'links to' if links else 'copies of'} its inputs: {instances} instances, median of "
              f"{rounds}: docker run {alone:.2f} s, processor {ours:.2f} s, ratio {ours / alone:.2f}", flush=True)


def main():
    instances = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory(prefix="quicksilver-bench-") as name:
        measure_steps(Path(name), instances, rounds)
        problem = engine.engine_problem()
        if problem:
            sys.exit(problem)
        docker = engine.Engine()
        try:
            measure_modules(docker, Path(name), instances, rounds)
        finally:
            docker.remove()


if __name__ == "__main__":
    main()
