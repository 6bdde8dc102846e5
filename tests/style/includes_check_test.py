"""The edges that the includes check must refuse, and those that it must let pass."""

import unittest

from includes_check import cmake_layers, include_problem, layer_of

REFUSED = [
    ("src/core/log.cpp", "quicksilver/rules/rule.hpp", True),
    ("src/rules/parser.cpp", "quicksilver/dicom/read_tags.hpp", True),
    ("src/dicom/sender.cpp", "quicksilver/store/task_file.hpp", True),
    ("src/store/journal.cpp", "quicksilver/dicom/sender.hpp", True),
    ("src/store/journal.cpp", "quicksilver/pipeline/router.hpp", True),
    ("src/pipeline/router.cpp", "quicksilver/http/server.hpp", True),
    ("src/pipeline/targets/folder.cpp", "quicksilver/pipeline/router.hpp", True),
    ("src/pipeline/targets/folder.cpp", "quicksilver/pipeline/runners/docker.hpp", True),
    ("src/pipeline/http_client.cpp", "quicksilver/pipeline/targets/target.hpp", True),
    ("src/http/server.cpp", "quicksilver/pipeline/router.hpp", True),
    ("include/quicksilver/http/server.hpp", "quicksilver/app/app.hpp", True),
    ("tests/core/log_test.cpp", "quicksilver/store/journal.hpp", True),
    ("tests/http/server_test.cpp", "quicksilver/pipeline/router.hpp", True),
    ("src/pipeline/router.cpp", "dcmtk/dcmdata/dctk.h", False),
    ("include/quicksilver/dicom/sender.hpp", "dcmtk/dcmnet/assoc.h", False),
    ("src/app/main.cpp", "sqlite3.h", False),
    ("include/quicksilver/store/journal.hpp", "sqlite3.h", False),
    ("src/app/app.cpp", "boost/beast/http.hpp", False),
    ("src/http/server.cpp", "CLI/CLI.hpp", False),
    ("src/rules/parser.cpp", "boost/asio/awaitable.hpp", False),
    ("src/rules/parser.cpp", "fstream", False),
    ("src/core/log.cpp", "support/manual_clock.hpp", True),
    ("src/core/log.cpp", "../store/journal.hpp", True),
    ("tests/core/log_test.cpp", "catch2/catch.hpp", False),
]

ALLOWED = [
    ("src/http/server.cpp", "quicksilver/store/journal.hpp", True),
    ("src/core/log.cpp", "quicksilver/core/clock.hpp", True),
    ("src/rules/parser.cpp", "quicksilver/core/tags.hpp", True),
    ("src/rules/parser.cpp", "lexer.hpp", True),
    ("src/dicom/sender.cpp", "dcmtk/dcmnet/assoc.h", False),
    ("tests/dicom/sender_test.cpp", "dcmtk/dcmdata/dctk.h", False),
    ("src/store/sqlite.hpp", "sqlite3.h", False),
    ("src/pipeline/router.cpp", "quicksilver/pipeline/targets/target.hpp", True),
    ("src/pipeline/targets/web.cpp", "quicksilver/pipeline/http_client.hpp", True),
    ("src/pipeline/targets/dicom.cpp", "quicksilver/dicom/sender.hpp", True),
    ("src/http/server.cpp", "boost/beast/http.hpp", False),
    ("src/precompiled.hpp", "boost/beast/http.hpp", False),
    ("src/app/app.cpp", "quicksilver/http/server.hpp", True),
    ("src/app/app.cpp", "quicksilver/pipeline/router.hpp", True),
    ("src/app/main.cpp", "CLI/CLI.hpp", False),
    ("tests/http/server_test.cpp", "support/catch.hpp", True),
    ("tests/system/helper.cpp", "quicksilver/store/journal.hpp", True),
    ("tests/rules/parser_test.cpp", "fstream", False),
]


class IncludesCheck(unittest.TestCase):
    def test_refuses_what_is_not_in_the_picture(self):
        for path, header, quoted in REFUSED:
            with self.subTest(f"{path} includes {header}"):
                self.assertIsNotNone(include_problem(path, header, quoted))

    def test_lets_the_picture_pass(self):
        for path, header, quoted in ALLOWED:
            with self.subTest(f"{path} includes {header}"):
                self.assertIsNone(include_problem(path, header, quoted))

    def test_knows_the_layer_of_a_file(self):
        self.assertEqual(layer_of("src/pipeline/targets/folder.cpp"), "pipeline/targets")
        self.assertEqual(layer_of("include/quicksilver/pipeline/router.hpp"), "pipeline")
        self.assertEqual(layer_of("quicksilver/core/tags.hpp"), "core")
        self.assertEqual(layer_of("tests/support/catch.hpp"), "tests")
        self.assertIsNone(layer_of("src/precompiled.hpp"))

    def test_reads_the_layers_out_of_cmake(self):
        text = "quicksilver_layer(store\n  SOURCES\n    journal.cpp\n  BELOW core rules\n  LIBRARIES SQLite::SQLite3)\n"
        self.assertEqual(cmake_layers(text), {"store": {"core", "rules"}})


if __name__ == "__main__":
    unittest.main()
