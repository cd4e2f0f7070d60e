"""The HDF5 writer: fast, of bounded memory, named as DANDI names files, whole or not at all.

What it offers is imported when it is used: the command line shows the presets in its help, which must be instant.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bergmann.writing.anybody import write
    from bergmann.writing.builders import ArrayIterator
    from bergmann.writing.naming import check_ids, existing_targets
    from bergmann.writing.presets import CHUNKINGS, COMPRESSIONS, Chunking, Compression, Storing
    from bergmann.writing.session import check_target, write_session
    from bergmann.writing.streams import OnProgress, Streams

__all__ = [
    "CHUNKINGS",
    "COMPRESSIONS",
    "ArrayIterator",
    "Chunking",
    "Compression",
    "OnProgress",
    "Storing",
    "Streams",
    "check_ids",
    "check_target",
    "existing_targets",
    "write",
    "write_session",
]

_MODULES = {
    "anybody": ("write",),
    "builders": ("ArrayIterator",),
    "naming": ("check_ids", "existing_targets"),
    "presets": ("CHUNKINGS", "COMPRESSIONS", "Chunking", "Compression", "Storing"),
    "session": ("check_target", "write_session"),
    "streams": ("OnProgress", "Streams"),
}
_WHERE = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
