"""Processing modules on Podman's service, by the same language as Docker's."""

import unittest

import engine
from processor_case import CoreTests, ProcessingCase


class ProcessingOnPodman(CoreTests, ProcessingCase):
    """Its containers go on while the service is away."""

    engine_class = engine.Podman
    no_memory = "memory"  # it does not see it everywhere when a child of the module was killed
    flood_mark = "the very end"  # it throws away output itself


if __name__ == "__main__":
    unittest.main()
