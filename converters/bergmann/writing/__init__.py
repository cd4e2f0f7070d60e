"""The HDF5 writer: bounded memory, named as DANDI names files, whole or not at all."""

from bergmann.writing.naming import check_ids, existing_targets
from bergmann.writing.session import check_target, write_session
from bergmann.writing.streams import OnProgress, Streams

__all__ = ["OnProgress", "Streams", "check_ids", "check_target", "existing_targets", "write_session"]
