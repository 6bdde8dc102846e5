"""clang-format agrees with every C++ file. Other versions format differently, so one version decides."""

import re
import shutil
import subprocess
import sys

from project_files import ROOT, cpp_files, finish

VERSION = "14"  # Debian 12's
SKIPPED = 77


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def main():
    program = shutil.which(f"clang-format-{VERSION}") or shutil.which("clang-format")
    if program is None:
        skip(f"clang-format {VERSION} is not installed")
    found = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    if not re.search(rf"version {VERSION}\.", found):
        skip(f"clang-format {VERSION} decides; here is {found.strip()}")

    files = [str(name) for name in cpp_files("include", "src", "tests", "bench")]
    result = subprocess.run([program, "--dry-run", "-Werror", *files], cwd=ROOT, capture_output=True, text=True)
    places = re.findall(r"^(\S+?:\d+):\d+: (?:error|warning)", result.stderr, re.MULTILINE)
    problems = [f"{place}: run clang-format -i {place.split(':')[0]}" for place in places]
    if result.returncode != 0 and not problems:
        problems.append(result.stderr.strip())
    finish(problems, "format")


if __name__ == "__main__":
    main()
