"""One file put where a folder on disk shall have it: as a clone, a link, or a copy that is read again; and digests of files."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bergmann.disk import may_be_linked, replace_when_free
from bergmann.errors import WriteError

_BLOCK = 1 << 20
_FICLONE = 0x40049409
"""Linux's request to share the blocks of a file (``linux/fs.h``); file systems without it answer with an error."""
_CANNOT = {errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.EPERM, errno.ENOSYS, errno.EBADF}

How = Literal["clone", "link", "copy"]
OnBytes = Callable[[int], None]


@dataclass(frozen=True)
class Digests:
    """Digests of a file's bytes.

    Attributes
    ----------
    sha256 : str
        64 hexadecimal digits.
    etag : str
        The archive's own: MD5 of the MD5s of its parts, and their number.
    """

    sha256: str
    etag: str


def digest(path: Path, on_bytes: OnBytes | None = None) -> Digests:
    """Both digests of a file, read once.

    Parameters
    ----------
    path : Path
    on_bytes : callable (bytes read), optional
    """
    from dandischema.digests.dandietag import PartGenerator

    sha256 = hashlib.sha256()
    sums = []
    with path.open("rb") as file:
        for part in PartGenerator.for_file_size(path.stat().st_size):
            md5 = hashlib.md5(usedforsecurity=False)
            left = part.size
            while left and (block := file.read(min(left, _BLOCK))):
                left -= len(block)
                sha256.update(block)
                md5.update(block)
                if on_bytes is not None:
                    on_bytes(len(block))
            sums.append(md5.digest())
        while block := file.read(_BLOCK):  # it grew while it was read: its size is compared afterwards
            sha256.update(block)
    return Digests(sha256.hexdigest(), f"{hashlib.md5(b''.join(sums), usedforsecurity=False).hexdigest()}-{len(sums)}")


def place(source: Path, target: Path, expected: Digests, on_bytes: OnBytes | None = None) -> How:
    """Put a file under a name, whole or not at all.

    Parameters
    ----------
    source, target : Path
        The folder of `target` is there.
    expected : Digests
        Of `source`.
    on_bytes : callable (bytes read), optional
        Told while a copy is read again.

    Returns
    -------
    {"clone", "link", "copy"}
        A clone shares its bytes on the disk until one of the two is changed; a link is the same file.

    Raises
    ------
    WriteError
        If a copy does not hold what its source does.
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    partial.unlink(missing_ok=True)
    try:
        how = _bring(source, partial)
        if how == "copy":
            if digest(partial, on_bytes) != expected:
                raise WriteError(
                    f"{target.name}: the copy is not what {source.name} is; is the disk sound, or did the file change?"
                )
            _sync(partial)
        replace_when_free(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return how


def _bring(source: Path, partial: Path) -> How:
    if _clone(source, partial):
        return "clone"
    if may_be_linked(source.stat()):
        try:
            os.link(source.resolve(), partial)
        except OSError:  # another volume, or a file system without links
            pass
        else:
            return "link"
    shutil.copyfile(source, partial)
    return "copy"


def _clone(source: Path, partial: Path) -> bool:
    """Whether a clone could be made; where it could not, nothing is left."""
    if sys.platform != "linux":  # APFS and ReFS clone as well; a link is made there instead
        return False
    import fcntl

    try:
        with source.open("rb") as read, partial.open("wb") as written:
            fcntl.ioctl(written.fileno(), _FICLONE, read.fileno())
    except OSError as error:
        partial.unlink(missing_ok=True)
        if error.errno not in _CANNOT:
            raise
        return False
    return True


def _sync(path: Path) -> None:
    """Have the bytes on the disk before the name is."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def stamp_of(path: Path) -> tuple[int, int, int]:
    """Size in bytes, time of the last change in ns, and number in the file system: another for a file that was put in its place."""
    found: Any = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino
