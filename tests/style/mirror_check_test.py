"""How the mirror check finds a test's source and a file's place in CMake."""

import unittest
from pathlib import Path

from mirror_check import is_named_in_cmake, sources_for


class MirrorCheck(unittest.TestCase):
    def test_a_test_belongs_to_the_source_of_its_name(self):
        sources = list(sources_for(Path("tests/pipeline/targets/folder_target_test.cpp")))
        self.assertEqual(sources[0], Path("src/pipeline/targets/folder_target.cpp"))
        self.assertIn(Path("include/quicksilver/pipeline/targets/folder_target.hpp"), sources)

    def test_a_long_test_may_be_split_by_subject(self):
        sources = list(sources_for(Path("tests/core/config_reload_test.cpp")))
        self.assertIn(Path("src/core/config.cpp"), sources)
        self.assertNotIn(Path("src/core/reload.cpp"), sources)

    def test_a_file_is_built_when_a_cmake_file_above_names_it(self):
        texts = {Path("src/core"): "quicksilver_layer(core\n  SOURCES\n    log.cpp\n    net/socket.cpp)"}
        for name, built in [("src/core/log.cpp", True), ("src/core/net/socket.cpp", True),
                            ("src/core/og.cpp", False), ("src/core/socket.cpp", False), ("src/rules/log.cpp", False)]:
            with self.subTest(name):
                self.assertEqual(is_named_in_cmake(Path(name), texts), built)


if __name__ == "__main__":
    unittest.main()
