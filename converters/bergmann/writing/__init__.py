"""The HDF5 writer: fast, of bounded memory, named as DANDI names files, whole or not at all."""

from bergmann.writing.anybody import write
from bergmann.writing.naming import check_ids, existing_targets
from bergmann.writing.presets import CHUNKINGS, COMPRESSIONS, Chunking, Compression, Storing
from bergmann.writing.session import check_target, write_session
from bergmann.writing.streams import OnProgress, Streams

__all__ = [
    "CHUNKINGS",
    "COMPRESSIONS",
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
