"""Plain text rules: line length, leftovers, prints, sleeps, machine paths, file length, blanks, the change log."""

import re

from project_files import ROOT, cpp_files, finish, is_code, project_files, read, without_comments_and_strings

LINE_LENGTH_MAX = 120
FILE_LINES_MAX = 500
# Longer ones that are one subject, with the length that they may not exceed; none of them may grow.
LONG_FILES = {"src/rules/parser.cpp": 810, "src/rules/builtins.cpp": 525, "src/rules/format.cpp": 525,
              "src/rules/text_methods.cpp": 505, "src/dicom/confidentiality_rows.cpp": 650}

# Files where a sleep is right, each with its reason. A test waits for an event, or moves a ManualClock.
SLEEPS_ALLOWED = {}

# This check and its test spell out what they look for.
NAMES_WHAT_IT_FINDS = {"tests/style/text_check.py", "tests/style/text_check_test.py"}

_LEFTOVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
_PRINT = re.compile(r"\bstd::(?:cout|cerr|clog|puts|printf)\b|\bfmt::print\b|(?<![\w:.>])(?:f?printf|puts)\s*\(")
_USING_STD = re.compile(r"\busing\s+namespace\s+std\s*;")
_SLEEP = re.compile(
    r"\bsleep_(?:for|until)\b|\btime\.sleep\b|\basyncio\.sleep\b|\b(?:u|nano)?sleep\s*\(|^\s*sleep\s+[\d.$]")
# Somebody's home, or the checkout itself: a file that names it works on one machine only. `/home/u` is a test's.
_MACHINE_PATH = re.compile(r"(?<![\w.}~-])(?:/home/(?!u\b)|/root/|/Users/|" + re.escape(f"{ROOT}/") + ")")

_CHANGELOG_TITLE = "# Changelog"
_CHANGELOG_VERSION = re.compile(r"## (?:Unreleased|\d+\.\d+\.\d+ — \d{4}-\d{2}-\d{2})$")
_CHANGELOG_GROUP = re.compile(r"### (?:Added|Changed|Fixed|Removed|Security)$")


def line_problems(text, code):
    """What is wrong with single lines of any text (`code`: also their length), as (line, problem)."""
    for number, line in enumerate(text.split("\n"), 1):
        if code and len(line) > LINE_LENGTH_MAX:
            yield number, f"{len(line)} characters; {LINE_LENGTH_MAX} are the limit"
        if "\t" in line:
            yield number, "tab; indent with blanks"
        if line != line.rstrip():
            yield number, "blanks at the end of the line"
        if found := _LEFTOVER.search(line):
            yield number, f"{found.group(1)}: finish it, or file an issue"
        if _MACHINE_PATH.search(line):
            yield number, "path of one machine; name it relative to the project"
    if text and not text.endswith("\n"):
        yield text.count("\n") + 1, "the last line has no line feed"


def cpp_problems(text, may_print):
    """What is wrong with the C++ in `text`, as (line, problem)."""
    for number, line in enumerate(without_comments_and_strings(text).split("\n"), 1):
        if not may_print and _PRINT.search(line):
            yield number, "prints; give it a Log, or return the text"
        if _USING_STD.search(line):
            yield number, "using namespace std; name what is used"


def sleep_problems(text):
    """Sleeps, as (line, problem)."""
    for number, line in enumerate(text.split("\n"), 1):
        if _SLEEP.search(line):
            yield number, "sleeps; wait for the event, or move a ManualClock"


def changelog_problems(text):
    """What is wrong with the shape of the change log, as (line, problem)."""
    lines = text.split("\n")
    if lines[0] != _CHANGELOG_TITLE:
        yield 1, f'must begin with "{_CHANGELOG_TITLE}"'
    headings = [(number, line) for number, line in enumerate(lines, 1) if line.startswith("#")]
    versions = [(number, line) for number, line in headings if line.startswith("## ")]
    if not versions or versions[0][1] != "## Unreleased":
        yield 1, 'the first section must be "## Unreleased"'
    for number, line in headings:
        if line.startswith("## ") and not _CHANGELOG_VERSION.match(line):
            yield number, "a version looks like: ## 1.2.3 — 2026-01-31"
        if line.startswith("### ") and not _CHANGELOG_GROUP.match(line):
            yield number, "a group is one of Added, Changed, Fixed, Removed, Security"
    for (number, line), (_, following) in zip(headings, headings[1:] + [(len(lines), "## ")]):
        begin, end = number, next((n for n, _ in headings if n > number), len(lines) + 1)
        if line.startswith("### ") and not any(text.startswith("- ") for text in lines[begin:end - 1]):
            yield number, "an empty group; remove it"


def main():
    problems = []

    def add(name, found):
        problems.extend(f"{name}:{number}: {what}" for number, what in found)

    for name in project_files():
        text = read(name)
        if text is None or name.suffix in (".svg", ".lock") or str(name) in NAMES_WHAT_IT_FINDS:
            continue
        add(name, line_problems(text, is_code(name)))
        if name.parts[0] == "tests" and str(name) not in SLEEPS_ALLOWED:
            add(name, sleep_problems(without_comments_and_strings(text) if name.suffix == ".cpp" else text))

    for name in cpp_files("include", "src", "tests"):
        text = read(name)
        is_program = name.parts[:2] == ("src", "app") or "int main(" in text
        add(name, cpp_problems(text, may_print=is_program))
        longest = LONG_FILES.get(str(name), FILE_LINES_MAX)
        if name.parts[0] != "tests" and text.count("\n") > longest:
            problems.append(f"{name}: {text.count(chr(10))} lines, of at most {longest}; split it by subject")

    add("CHANGELOG.md", changelog_problems(read("CHANGELOG.md")))
    finish(problems, "text")


if __name__ == "__main__":
    main()
