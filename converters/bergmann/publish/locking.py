"""Locks between processes, which the system lets go of when a process dies."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bergmann.errors import ArchiveError


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Hold a lock if nobody does.

    Yields
    ------
    bool
        False if another process (or thread) holds it. True, too, where locks cannot be made: a disk that has none stops nobody.
    """
    from fasteners import InterProcessLock

    lock = InterProcessLock(path)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_ours = lock.acquire(blocking=False)
    except (OSError, RuntimeError):
        yield True
        return
    try:
        yield is_ours
    finally:
        if is_ours:
            lock.release()
        elif lock.lockfile is not None:
            lock.lockfile.close()


@contextmanager
def folder_lock(folder: Path, place: Path) -> Iterator[None]:
    """Keep two publishes of one folder apart.

    Parameters
    ----------
    folder : Path
        What is published.
    place : Path
        Where locks are kept.

    Raises
    ------
    ArchiveError
        If another publish of this folder is under way.
    """
    name = hashlib.sha256(os.fsencode(str(folder.resolve()))).hexdigest()[:32]
    with held(place / "locks" / f"folder-{name}.lock") as is_ours:
        if not is_ours:
            raise ArchiveError(f"{folder.name}: another publish of this folder is under way on this computer; wait until it ends")
        yield
