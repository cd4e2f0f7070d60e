"""A copy of a file that shares its bytes where the file system can."""

from __future__ import annotations

import errno
import shutil
import sys
from pathlib import Path

from bergmann.errors import WriteError

_FICLONE = 0x40049409
"""Linux' request to share all bytes of a file (``linux/fs.h``; Btrfs, XFS, bcachefs)."""


def copy(source: Path, target: Path) -> None:
    """Copy a file; in no time and no space on a file system that can share bytes.

    Raises
    ------
    WriteError
        If there is no room for it.
    """
    try:
        if not _clone(source, target):
            shutil.copyfile(source, target)
        shutil.copymode(source, target)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise WriteError(
                f"{source.name}: there is no room for a copy of its {source.stat().st_size:,} bytes on that disk; make room there, "
                "and run the same again. The file is as it was"
            ) from error
        raise


def _clone(source: Path, target: Path) -> bool:
    """Let the file system share the bytes; False where it cannot."""
    if sys.platform != "linux":
        return False
    import fcntl

    with source.open("rb") as read, target.open("wb") as written:
        try:
            fcntl.ioctl(written.fileno(), _FICLONE, read.fileno())
        except OSError:  # another file system, or another kind of it
            return False
    return True
