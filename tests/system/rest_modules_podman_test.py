"""The REST interface of processing modules on Podman's service, by the same language as Docker's."""

import unittest

import engine
import rest_modules_test


class RestModulesOnPodman(rest_modules_test.RestModules):
    engine_class = engine.Podman


if __name__ == "__main__":
    unittest.main()
