"""What the style checks share: which files there are, C++ without comments and strings, and how problems are shown."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Folders that are made by tools or hold test data, where our style does not apply.
NOT_OURS = {".git", ".cache", "build", "node_modules", "dist", "data", "__pycache__"}

CPP = {".cpp", ".hpp", ".h", ".c"}
CODE = CPP | {".py", ".sh", ".cmake", ".js", ".ts", ".css", ".html", ".svelte"}
CODE_WITHOUT_SUFFIX = {"CMakeLists.txt", "Dockerfile", ".ci/run"}


def project_files(root=ROOT):
    """Every file of the project as a path relative to its root; what git ignores is left out."""
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        capture_output=True, check=False)
    if listed.returncode == 0:
        names = [Path(name) for name in listed.stdout.decode().split("\0") if name]
    else:
        names = [path.relative_to(root) for path in root.rglob("*") if not NOT_OURS & set(path.parts)]
    return sorted(name for name in set(names) if not NOT_OURS & set(name.parts) and (root / name).is_file())


def cpp_files(*folders, root=ROOT):
    """The C++ files below `folders`."""
    return [name for name in project_files(root) if name.suffix in CPP and name.parts[0] in folders]


def is_code(name):
    return name.suffix in CODE or name.name in CODE_WITHOUT_SUFFIX or str(name) in CODE_WITHOUT_SUFFIX


def read(name, root=ROOT):
    """The text of a file, or None when it is not text."""
    try:
        return (root / name).read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return None


_COMMENT_OR_LITERAL = re.compile(
    r"""
      //(?:\\\n|[^\n])*
    | /\*.*?\*/
    | (?:u8|[uUL])?R"(?P<delimiter>[^()\\\s]{0,16})\(.*?\)(?P=delimiter)"
    | (?:u8|[uUL])?"(?:\\.|[^"\\\n])*"
    | (?<![0-9A-Za-z_])(?:u8|[uUL])?'(?:\\.|[^'\\\n])+'
    """,
    re.VERBOSE | re.DOTALL)


def without_comments_and_strings(text):
    """C++ with comments blanked and literals emptied; every line keeps its number."""
    def blank(match):
        found = match.group(0)
        lines = "\n" * found.count("\n")
        return " " + lines if found.startswith("/") else '""' + lines
    return _COMMENT_OR_LITERAL.sub(blank, text)


def finish(problems, what):
    """Prints each problem and ends the check: status 1 when there are any."""
    for problem in problems:
        print(problem)
    print(f"{what}: {len(problems)} problem{'' if len(problems) == 1 else 's'}")
    sys.exit(1 if problems else 0)
