"""Each test file belongs to a source file, and each C++ file is named in a CMakeLists.txt, so that it is built."""

import re
from pathlib import Path

from project_files import ROOT, cpp_files, finish, project_files, read

# Folders of tests that belong to the whole program instead of one source file.
WHOLE_PROGRAM = {"system", "crash", "faults", "style", "support"}


def sources_for(test):
    """The files of which one must exist for `tests/LAYER/NAME_test.cpp`; NAME may go on with a subject."""
    folder = Path(*test.parts[1:-1])
    words = test.stem.removesuffix("_test").split("_")
    for count in range(len(words), 0, -1):
        name = "_".join(words[:count])
        yield Path("src") / folder / f"{name}.cpp"
        yield Path("src") / folder / f"{name}.hpp"
        yield Path("include/quicksilver") / folder / f"{name}.hpp"


def is_named_in_cmake(name, cmake_texts):
    """Whether a CMakeLists.txt at or above the file's folder names it, relative to that folder."""
    for folder in name.parents:
        text = cmake_texts.get(folder)
        if text and re.search(rf"(?<![\w/.-]){re.escape(name.relative_to(folder).as_posix())}(?![\w/-])", text):
            return True
    return False


def main():
    problems = []
    cmake_texts = {name.parent: read(name) for name in project_files() if name.name == "CMakeLists.txt"}
    for name in cpp_files("src", "tests", "bench"):
        if name.suffix != ".cpp":
            continue
        if not is_named_in_cmake(name, cmake_texts):
            nearest = next(folder for folder in name.parents if folder in cmake_texts)
            problems.append(f"{name}: not built; name it in {nearest}/CMakeLists.txt")
        if name.parts[0] != "tests" or name.parts[1] in WHOLE_PROGRAM:
            continue
        if not name.stem.endswith("_test"):
            if "TEST_CASE" in read(name):
                problems.append(f"{name}: holds tests, so call it NAME_test.cpp after the source it tests")
        elif not any((ROOT / source).exists() for source in sources_for(name)):
            problems.append(f"{name}: mirrors no source; expected {next(sources_for(name))} or its header")
    finish(problems, "mirror")


if __name__ == "__main__":
    main()
