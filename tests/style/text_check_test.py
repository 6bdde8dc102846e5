"""What the text check must find, and what it must leave alone."""

import unittest

from project_files import ROOT
from text_check import changelog_problems, cpp_problems, line_problems, sleep_problems

GOOD_CHANGELOG = """# Changelog

## Unreleased

### Added

- A thing.

## 0.1.0 — 2026-01-31

### Fixed

- Another thing.
"""


def numbers(problems):
    return [number for number, _ in problems]


class TextCheck(unittest.TestCase):
    def test_finds_bad_lines(self):
        for line in ["x" * 121, "\tx", "x ", "x\r", "// TODO: later", "// FIXME", "// XXX", "# HACK",
                     'open("/home/anna/x")', "PATH=/root/x", f"cd {ROOT}/tests"]:
            with self.subTest(line):
                self.assertEqual(numbers(line_problems("good\n" + line + "\n", True)), [2])

    def test_leaves_good_lines_alone(self):
        for line in ["x" * 120, "mkdtemp(\"name-XXXXXX\")", "todo list", "sub/home/x", "~/home/x", "${HOME}/root/", ""]:
            with self.subTest(line):
                self.assertEqual(numbers(line_problems("good\n" + line + "\n", True)), [])

    def test_lets_prose_have_long_lines(self):
        self.assertEqual(numbers(line_problems("word " * 50 + "end\n", False)), [])

    def test_wants_a_line_feed_at_the_end(self):
        self.assertEqual(numbers(line_problems("one\ntwo", True)), [2])

    def test_finds_prints(self):
        for line in ["std::cout << x;", "std::cerr << x;", 'printf("x");', 'fprintf(stderr, "x");', 'fmt::print("x");',
                     "using namespace std;"]:
            with self.subTest(line):
                self.assertEqual(numbers(cpp_problems(line, may_print=False)), [1])

    def test_leaves_what_only_looks_like_a_print_alone(self):
        for line in ["// std::cout", 'log.info("std::cout");', 'snprintf(a, 1, "x");', "printer.print(x);",
                     "using namespace std::chrono_literals;"]:
            with self.subTest(line):
                self.assertEqual(numbers(cpp_problems(line, may_print=False)), [])

    def test_finds_sleeps(self):
        for line in ["std::this_thread::sleep_for(1s);", "time.sleep(0.1)", "usleep(10);", "  ::sleep(1);", "sleep 1"]:
            with self.subTest(line):
                self.assertEqual(numbers(sleep_problems(line)), [1])

    def test_leaves_the_word_alone(self):
        for line in ["clock.wait_for(1s);", "// nobody sleeps here", "event.wait(timeout=1)"]:
            with self.subTest(line):
                self.assertEqual(numbers(sleep_problems(line)), [])

    def test_accepts_a_good_change_log(self):
        self.assertEqual(numbers(changelog_problems(GOOD_CHANGELOG)), [])

    def test_finds_a_bad_change_log(self):
        for name, text in [
            ("no title", GOOD_CHANGELOG.replace("# Changelog\n", "# News\n", 1)),
            ("no unreleased section", GOOD_CHANGELOG.replace("## Unreleased", "## 0.2.0 — 2026-02-01")),
            ("a version without its day", GOOD_CHANGELOG.replace(" — 2026-01-31", "")),
            ("an unknown group", GOOD_CHANGELOG.replace("### Added", "### Stuff")),
            ("an empty group", GOOD_CHANGELOG.replace("- A thing.\n", "")),
        ]:
            with self.subTest(name):
                self.assertEqual(len(numbers(changelog_problems(text))), 1)


if __name__ == "__main__":
    unittest.main()
