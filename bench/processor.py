#!/usr/bin/python3
"""What the processor costs around a module: a series through a module that only copies, beside `docker run` of the same
image on the same files. Needs root, docker.io and busybox-static; starts an engine of its own.

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


def times_of_processor(docker, folder, instances, rounds):
    """Seconds from the beginning of the task until its result is published, by the server's own log."""
    settings = config(
        targets={"out": {"target_type": "folder", "folder": str(folder / "delivered")}},
        rules={"all": {"rule": "True", "action": "process", "processing_module": ["copy"]}},
        modules={"copy": {"docker_tag": "copy:1", "network_enabled": False, "pull_policy": "never"}},
        processing={"docker_host": docker.host, "max_parallel": 1})
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


def main():
    instances = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    problem = engine.engine_problem()
    if problem:
        sys.exit(problem)
    docker = engine.Engine()
    try:
        docker.make_image("copy:1", engine.MODULES["copy"])
        with tempfile.TemporaryDirectory(prefix="quicksilver-bench-") as name:
            folder = Path(name)
            series = folder / "series"
            run(MAKE_SERIES, series, f"instances={instances}", "rows=512", "columns=512")
            time_of_docker_run(docker, series, folder)  # the first one warms up
            alone = statistics.median(time_of_docker_run(docker, series, folder) for _ in range(rounds))
            ours = statistics.median(times_of_processor(docker, folder, instances, rounds))
    finally:
        docker.remove()
    print(f"{instances} instances, median of {rounds}: docker run {alone:.2f} s, processor {ours:.2f} s, "
          f"ratio {ours / alone:.2f}")


if __name__ == "__main__":
    main()
