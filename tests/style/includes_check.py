"""Who may include whom: the picture in docs/architecture.md, checked against every #include and against CMake."""

import re
from pathlib import PurePosixPath

from project_files import ROOT, cpp_files, finish, project_files, read

# Each layer and the layers that it may include beside itself. The composition root sees everything. A layer is a
# folder, or a header with its source that others of the folder build on.
PICTURE = {
    "core": set(),
    "rules": {"core"},
    "dicom": {"core", "rules"},
    "store": {"core", "rules"},
    "pipeline/http_client": {"core"},
    "pipeline/targets": {"core", "rules", "dicom", "store", "pipeline/http_client"},
    "pipeline/runners": {"core", "rules", "dicom", "store", "pipeline/http_client"},
    "pipeline": {"core", "rules", "dicom", "store", "pipeline/http_client", "pipeline/targets", "pipeline/runners"},
    "http": {"core", "rules", "dicom", "store"},
    "app": {"core", "rules", "dicom", "store", "pipeline/http_client", "pipeline/targets", "pipeline/runners",
            "pipeline", "http"},
}

# Libraries with one home: the start of the header's name, and the folders where it may be included.
HOMES = [
    ("dcmtk/", ["src/dicom/", "tests/dicom/"]),
    ("sqlite3.h", ["src/store/", "tests/store/"]),
    ("boost/beast", ["src/http/", "include/quicksilver/http/", "tests/http/", "src/precompiled.hpp"]),
    ("CLI/", ["src/app/"]),
    ("curl/", ["src/pipeline/"]),
    ("archive", ["src/pipeline/", "tests/pipeline/"]),
    ("spdlog/", ["src/core/"]),
    ("re2/", ["src/rules/"]),
    ("sodium.h", ["src/store/"]),
    ("zlib.h", ["src/http/", "tests/http/"]),
    ("catch2/", ["tests/support/catch.hpp", "tests/support/catch_main.cpp"]),
]

# Layers that are plain functions of values: nothing there waits, reads a file or opens a socket.
PURE = {"rules": ["boost/asio", "dcmtk/", "fstream", "filesystem", "thread", "sys/socket.h"]}

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
_LAYER_IN_CMAKE = re.compile(r"quicksilver_layer\(\s*(\w+)(.*?)\)", re.DOTALL)


def layer_of(path):
    """The layer of a file or an included header, "tests" for what only tests use, or None for everybody's."""
    parts = PurePosixPath(path).parts
    if parts[0] == "include":
        parts = parts[1:]
    if parts[0] == "tests" and len(parts) > 2 and parts[1] in ("support", "system", "crash", "faults", "style"):
        return "tests"
    if parts[0] == "bench":
        return "tests"
    if parts[0] in ("quicksilver", "src", "tests"):
        two = "/".join(parts[1:3]).partition(".")[0]
        if two in PICTURE:
            return two
        if len(parts) > 2 and parts[1] in PICTURE:
            return parts[1]
    return None


def include_problem(path, header, quoted):
    """Why `path` must not include `header`, or None when it may."""
    for beginning, homes in HOMES:
        if header.startswith(beginning) and not any(path.startswith(home) for home in homes):
            return f"<{header}> belongs to {' and '.join(homes)}; use that layer's own interface here"
    layer = layer_of(path)
    for beginning in PURE.get(layer, []):
        if header.startswith(beginning) and not path.startswith("tests/"):
            return f"<{header}> does not fit into {layer}, which is pure: values in, values out"
    if not quoted:
        return None
    if header.startswith("support/"):
        if path.startswith(("src/", "include/")):
            return f'"{header}" is for tests only'
        return None
    other = layer_of(header) if header.startswith("quicksilver/") else None
    if header.startswith("../"):
        return f'"{header}": name headers from the root, as in "quicksilver/core/result.hpp"'
    if layer in (None, "tests") or other in (None, layer):
        return None
    if other not in PICTURE[layer]:
        below = ", ".join(sorted(PICTURE[layer])) or "no other layer"
        return f'{layer} must not include {other} ("{header}"); it may include {below}'
    return None


def cmake_layers(text):
    """The layers that a CMakeLists.txt declares, as {layer: layers behind BELOW}."""
    layers = {}
    for name, rest in _LAYER_IN_CMAKE.findall(re.sub(r"#.*", "", text)):
        below = re.search(r"\bBELOW\b(.*?)(?=\b(?:SOURCES|LIBRARIES)\b|\Z)", rest, re.DOTALL)
        layers[name] = set(below.group(1).split()) if below else set()
    return layers


def library_of(layer):
    """Targets and runners are folders of the pipeline's library."""
    return layer.split("/")[0]


def main():
    problems = []
    linked = {}
    for name in project_files():
        if name.name == "CMakeLists.txt" and name.parts[0] == "src":
            linked.update(cmake_layers(read(name)))
    for layer, below in linked.items():
        for other in below - {library_of(allowed) for allowed in PICTURE[layer]}:
            problems.append(f"src/{layer}/CMakeLists.txt: BELOW {other} is not in the picture of the layers")

    for name in cpp_files("include", "src", "tests", "bench"):
        path, text = name.as_posix(), read(name)
        for match in _INCLUDE.finditer(text):
            quoted, angled = match.groups()
            place = f"{path}:{text.count(chr(10), 0, match.start()) + 1}"
            why = include_problem(path, quoted or angled, quoted is not None)
            if why:
                problems.append(f"{place}: {why}")
            layer, other = layer_of(path), layer_of(quoted) if quoted and quoted.startswith("quicksilver/") else None
            if why or other is None or layer not in PICTURE or path.startswith("tests/"):
                continue
            home, needed = library_of(layer), library_of(other)
            if home in linked and needed not in linked[home] | {home}:
                problems.append(f"{place}: name {needed} behind BELOW in src/{home}/CMakeLists.txt")

    if not (ROOT / "include/quicksilver/core/result.hpp").exists():
        problems.append("include/quicksilver is not where this check looks for it")
    finish(problems, "includes")


if __name__ == "__main__":
    main()
