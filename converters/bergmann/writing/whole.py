"""A file that appears whole or not at all: written beside its place, completed, on the disk, and only then named."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bergmann.errors import WriteError
from bergmann.writing.namespaces import use_one_namespace
from bergmann.writing.streams import OnProgress, Streams
from bergmann.writing.watched import open_watched

_FULL = "make room there, or name a folder on another disk"
_CLOSED = "name a folder that you may write to"
_ELSE = "name another folder"
_REMEDIES = {errno.ENOSPC: _FULL, errno.EFBIG: _FULL, errno.EACCES: _CLOSED, errno.EPERM: _CLOSED, errno.EROFS: _CLOSED}


@contextmanager
def writing_into(folder: Path) -> Iterator[None]:
    """Make the folder, say in words why it cannot be written, and leave no empty folder behind.

    Raises
    ------
    WriteError
        In place of what the system or HDF5 says where it cannot write.
    """
    made = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except (OSError, RuntimeError) as error:  # h5py raises either where HDF5 cannot write
        number = _error_number(error)
        if number is None:
            raise
        raise WriteError(f"{folder.name}: cannot be written: {os.strerror(number)}; {_REMEDIES.get(number, _ELSE)}") from error
    finally:
        for one in made:
            if one.is_dir() and not any(one.iterdir()):
                one.rmdir()


def _error_number(error: OSError | RuntimeError) -> int | None:
    """The operating system's number of an error; HDF5 has it in its message only."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    match = re.search(r"errno = (\d+)", str(error))
    return int(match[1]) if match else None


def write_contents(
    nwbfile: Any, path: Path, streams: Streams, stored: Mapping[str, Any] | None = None, on_progress: OnProgress | None = None
) -> None:
    """Write an NWB file object to a path, its large arrays a block at a time, with one top namespace.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        Not changed.
    path : Path
        A temporary, which nobody else has open.
    streams : Streams
        What has handed out large arrays of `nwbfile`; hands out those that are still in it.
    stored : mapping of str to h5py.Dataset, optional
        As `Streams.fill`.
    on_progress : callable (bytes done, bytes in all), optional
    """
    from pynwb import NWBHDF5IO

    from bergmann.writing.builders import StreamingManager

    manager = StreamingManager(streams)
    with open_watched(path, "w") as (file, watched), NWBHDF5IO(file=file, mode="w", manager=manager) as io:
        io.write(nwbfile)

        def tell(done: int, total: int) -> None:
            watched.check()
            if on_progress is not None:
                on_progress(done, total)

        streams.fill(tell, stored)
    use_one_namespace(path)


def sync(path: Path) -> None:
    """Have the bytes on the disk before the name is."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
