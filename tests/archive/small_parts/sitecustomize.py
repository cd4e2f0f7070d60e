"""Put on PYTHONPATH, makes dandischema cut files into parts of ``LOOPBACK_PART_SIZE`` bytes instead of 64 MiB.

The archive of these tests can hand out small parts; a client, also the released one, takes the size of parts from dandischema.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys

_NAME = "dandischema.digests.dandietag"


class _SmallParts(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name != _NAME:
            return None
        found = importlib.machinery.PathFinder.find_spec(name, path, target)
        self._loader, found.loader = found.loader, self
        return found

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        self._loader.exec_module(module)
        module.PartGenerator.DEFAULT_PART_SIZE = module.PartGenerator.MIN_PART_SIZE = int(os.environ["LOOPBACK_PART_SIZE"])

    def get_source(self, name):
        return self._loader.get_source(name)


if "LOOPBACK_PART_SIZE" in os.environ:
    sys.meta_path.insert(0, _SmallParts())
