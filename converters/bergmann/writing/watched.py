"""An HDF5 file whose failed writes are never lost.

HDF5 writes much of what it holds when a dataset or a file is closed, and h5py drops the errors of that: on a full disk, values
would be missing from the file without a word. HDF5 also tries again when the process ends, and crashes. So the bytes go through a
Python file that keeps the first failure, says it when it is asked, and from then on takes everything without writing it.

What is written goes to the disk while more is being made, so that nobody waits for all of it at the end.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from typing import Any

    import h5py

_FLUSHED_AT_ONCE = 64_000_000
"""Bytes after which those that are written are sent to the disk."""


class Watched:
    """A file for h5py's driver ``fileobj``.

    Attributes
    ----------
    failure : BaseException or None
        The first failure: of the disk, or an interruption by the person while HDF5 was writing.
    """

    def __init__(self, path: Path, mode: Literal["w", "r+"]) -> None:
        self._path = path
        self._file = FileIO(path, {"w": "w+", "r+": "r+"}[mode])
        self.failure: BaseException | None = None
        self._flusher = ThreadPoolExecutor(1, thread_name_prefix="flush")
        self._flushing: Future[None] | None = None
        self._unflushed = 0

    def __repr__(self) -> str:
        """The path; h5py takes it for the name of the file."""
        return str(self._path)

    def check(self) -> None:
        """Raise what failed, if anything did."""
        if self.failure is not None:
            raise self.failure

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        """As of any file: h5py knows a file by its having `read`, and reads by `readinto`."""
        return self._file.read(size) or b""

    def readinto(self, buffer: Any) -> int:
        return self._file.readinto(buffer)

    def write(self, content: Any) -> int:
        rest = memoryview(content)
        size = len(rest)
        while self.failure is None and len(rest):
            try:
                written = self._file.write(rest)
                rest = rest[written:]
                self._send(written)
            except BaseException as failure:  # noqa: BLE001  whoever calls may be HDF5, closing, which would drop it
                self.failure = failure
        return size

    def _send(self, size: int) -> None:
        """Have the disk take what was written, once that is much and it has taken what was sent before."""
        self._unflushed += size
        if self._unflushed < _FLUSHED_AT_ONCE or not (self._flushing is None or self._flushing.done()):
            return
        self._note_flushed()
        self._unflushed = 0
        self._flushing = self._flusher.submit(os.fsync, self._file.fileno())

    def _note_flushed(self) -> None:
        """Keep what the disk said of the bytes that were sent to it: it says so once, and not to who asks at the end."""
        failure = None if self._flushing is None else self._flushing.exception()
        if self.failure is None:
            self.failure = failure

    def truncate(self, size: int) -> int:
        if self.failure is None:
            try:
                self._file.truncate(size)
            except BaseException as failure:  # noqa: BLE001  as above
                self.failure = failure
        return size

    def flush(self) -> None:
        """Nothing: no byte waits here."""

    def close(self) -> None:
        try:
            self._flusher.shutdown(cancel_futures=True)
            if self._flushing is not None and not self._flushing.cancelled():
                self._note_flushed()
        finally:
            self._file.close()


@contextmanager
def open_watched(path: Path, mode: Literal["w", "r+"]) -> Iterator[tuple[h5py.File, Watched]]:
    """Open an HDF5 file for writing.

    Parameters
    ----------
    path : Path
    mode : {"w", "r+"}

    Yields
    ------
    h5py.File
    Watched
        Call its `check` between long steps, to stop soon after a failure.

    Raises
    ------
    OSError
        If anything could not be written, also while HDF5 closed the file.
    """
    import h5py

    watched = Watched(path, mode)
    try:
        with h5py.File(watched, mode) as file:
            yield file, watched
    except Exception:
        watched.check()  # what HDF5 says of it is less
        raise
    finally:
        watched.close()
    watched.check()
