"""Pickled NumPy files of Python objects, read without running what they name.

Suite2p keeps ``stat.npy`` and ``ops.npy`` as pickles, and a pickle may name any function to call: ``numpy.load(allow_pickle=True)``
runs what a stranger wrote. Here only what builds arrays, numbers, texts and paths is let through.
"""

from __future__ import annotations

import pickle
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, BinaryIO

import numpy as np

from bergmann.errors import SourceError

_ARRAYS = {"numpy.core.multiarray": "numpy._core.multiarray", "numpy.core.numeric": "numpy._core.numeric"}
"""Modules that NumPy 1 named otherwise."""

_ALLOWED = {
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
    ("collections", "OrderedDict"),
    ("builtins", "set"),
    ("builtins", "frozenset"),
    ("builtins", "slice"),
    ("builtins", "complex"),
    ("builtins", "bytearray"),
}
_PATHS = {
    "PosixPath": PurePosixPath,
    "PurePosixPath": PurePosixPath,
    "WindowsPath": PureWindowsPath,
    "PureWindowsPath": PureWindowsPath,
}
"""A path of the other system cannot be made on this one; a pure path can."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """What builds arrays and plain values; anything else is refused."""
        module = _ARRAYS.get(module, "builtins" if module == "__builtin__" else module)
        if module.startswith("pathlib") and name in _PATHS:
            return _PATHS[name]
        if (module, name) in _ALLOWED:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it names {module}.{name}, which is no array, number or text")


def load_objects(path: Path) -> Any:
    """Read a NumPy file of Python objects.

    Returns
    -------
    np.ndarray of object

    Raises
    ------
    SourceError
        If it is missing, damaged, or names anything but arrays, numbers, texts and paths.
    """
    try:
        with path.open("rb") as file:
            return _load(file)
    except FileNotFoundError as error:
        raise SourceError(f"{path.parent.name}: there is no {path.name}; did Suite2p finish?") from error
    except (pickle.UnpicklingError, ValueError, EOFError, TypeError, LookupError, AttributeError, ImportError, OSError) as error:
        raise SourceError(f"{path.parent.name}/{path.name}: cannot be read ({error}); is it Suite2p's, and whole?") from error


def _load(file: BinaryIO) -> Any:
    version = np.lib.format.read_magic(file)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    _, _, dtype = read_header(file)
    if not dtype.hasobject:
        file.seek(0)
        return np.load(file, allow_pickle=False)
    return _Unpickler(file, encoding="latin1").load()
